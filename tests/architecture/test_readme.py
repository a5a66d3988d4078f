"""What the README says is true."""

import dataclasses
import re
from pathlib import Path

import pytest

from backend import config
from backend.config import schemas as declared
from tests.support.site import Site

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_python_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102 - our own text


def test_every_setting_is_documented_and_every_documented_setting_exists():
    schemas = [
        declared.SettingsSchema(),
        declared.LLMSchema(),
        declared.SupabaseSchema(),
        declared.RecordSchema(),
        declared.GuardSchema(),
    ]
    known = {str(field.data_key) for schema in schemas for field in schema.fields.values()}
    documented = set(re.findall(r"`(JUPITER_[A-Z_]+|SUPABASE_[A-Z_]+|REDIS_URL)`", README))
    assert known - documented == set()
    of_sources = {f"JUPITER_SOURCE_{name.upper()}_{kind}" for name in config.SOURCES for kind in ("URL", "MIRROR_URL")}
    assert documented - known - of_sources == set()


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("JUPITER_CALL_TIMEOUT_SECONDS", config.GuardSettings().timeout_seconds),
        ("JUPITER_PULSE_REFRESH_SECONDS", config.Settings().pulse_refresh_seconds),
        ("JUPITER_MAX_BODY_BYTES", config.Settings().max_body_bytes),
        ("JUPITER_RATE_LIMIT", config.Settings().rate_limit),
        ("JUPITER_LOGIN_RATE_LIMIT", config.Settings().login_rate_limit),
        ("JUPITER_SESSION_HOURS", config.Settings().session_hours),
    ],
)
def test_the_defaults_are_those_in_the_table(row, value):
    (line,) = [line for line in README.splitlines() if line.startswith(f"| `{row}`")]
    shown = line.rstrip(" |").rsplit("|", 1)[1].strip(" `")
    assert shown == (f"{value:g}" if isinstance(value, float) else str(value))


def test_every_route_and_event_is_in_the_tables(tmp_path):
    site = Site(tmp_path / "var")
    for rule in site.app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        stem = re.split(r"/<", rule.rule)[0]
        assert stem in README or stem.rsplit("/", 1)[-1] in README, rule.rule
    document = site.client().get("/api/asyncapi.json").json
    for name in document["operations"]:
        noun_of_many = re.sub(r"_(loading|error)$", "", name)
        assert f"`{name}" in README or noun_of_many in README, name
    site.close()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_every_link_leads_somewhere(path):
    assert (ROOT / path).exists()


def test_the_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.Settings().port = 1  # type: ignore[misc]
