"""Settings are read once, checked, and name what is wrong."""

from pathlib import Path

import pytest

from backend.config import DEFAULT_FEEDS, SettingsError, load_settings


def test_an_empty_environment_gives_the_documented_defaults():
    settings = load_settings({}, env_file=None)
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 5000, Path("var"))
    assert settings.async_mode == "eventlet"
    assert settings.pulse_feeds == DEFAULT_FEEDS
    assert settings.source("cisa_kev").url is None
    assert settings.notices == ()


def test_every_kind_of_value_is_read():
    settings = load_settings(
        {
            "JUPITER_PORT": " 8080 ",
            "JUPITER_SOURCES": "cisa_kev, epss",
            "JUPITER_SOURCE_CISA_KEV_URL": "http://127.0.0.1:1/kev.json",
            "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "0.5",
            "JUPITER_PULSE_FEEDS": "http://a.example/x, http://b.example/y\nhttp://c.example/",
            "JUPITER_LLM_API_KEY": "xai-secret",
            "JUPITER_BREAKER_OPEN_SECONDS": "2.5",
            "REDIS_URL": "redis://127.0.0.1:6379/0",
        },
        env_file=None,
    )
    assert settings.port == 8080
    assert settings.enabled_sources == ("cisa_kev", "epss")
    assert settings.source("cisa_kev").refresh_seconds == 0.5
    assert len(settings.pulse_feeds) == 3
    assert settings.guard.open_seconds == 2.5
    assert settings.redis_url == "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JUPITER_PORT", "many"),
        ("JUPITER_PORT", "70000"),
        ("JUPITER_ASYNC_MODE", "asyncio"),
        ("JUPITER_ADMIN_TOKEN", "short"),
        ("JUPITER_SOURCES", "cisa_kev, nonsense"),
        ("JUPITER_SOURCE_EPSS_URL", "ftp://example.org/x"),
        ("JUPITER_PULSE_FEEDS", "http://a.example/ nonsense"),
        ("JUPITER_LLM_BASE_URL", "http://a.example/ http://b.example/"),
        ("JUPITER_LLM_PROVIDER", "oracle"),
        ("JUPITER_RATE_LIMIT", "often"),
        ("JUPITER_BREAKER_FAILURES", "0"),
        ("JUPITER_CALL_TIMEOUT_SECONDS", "0"),
        ("REDIS_URL", "http://127.0.0.1"),
    ],
)
def test_a_bad_value_stops_the_start_with_its_name(name, value):
    with pytest.raises(SettingsError, match=name):
        load_settings({name: value}, env_file=None)


def test_types_and_statuses_are_names_of_ones_own():
    given = {"JUPITER_EXPERIMENT_TYPES": "dance, red_team2", "JUPITER_EXPERIMENT_STATUSES": "planned completed"}
    records = load_settings(given, env_file=None).records
    assert (records.experiment_types, records.experiment_statuses) == (("dance", "red_team2"), ("planned", "completed"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JUPITER_EXPERIMENT_TYPES", "Dance"),
        ("JUPITER_EXPERIMENT_TYPES", "a-b"),
        ("JUPITER_EXPERIMENT_TYPES", "<script>"),
        ("JUPITER_EXPERIMENT_STATUSES", "pending running"),
        ("JUPITER_IMPORT_MAX_BYTES", "0"),
        ("JUPITER_OUTBOX_MAX_BYTES", "lots"),
    ],
)
def test_what_records_cannot_be_stops_the_start(name, value):
    with pytest.raises(SettingsError, match=name):
        load_settings({name: value}, env_file=None)


def test_an_empty_value_counts_as_not_set():
    assert load_settings({"JUPITER_PORT": "  "}, env_file=None).port == 5000


def test_a_misspelt_setting_is_told_with_the_likely_one():
    (notice,) = load_settings({"JUPITER_PROT": "1"}, env_file=None).notices
    assert "JUPITER_PROT" in notice
    assert "JUPITER_PORT" in notice


def test_a_file_fills_what_the_environment_leaves_out(tmp_path):
    file = tmp_path / ".env"
    file.write_text("JUPITER_PORT=1234\nJUPITER_HOST=0.0.0.0\n")
    settings = load_settings({"JUPITER_PORT": "4321"}, env_file=file)
    assert (settings.host, settings.port) == ("0.0.0.0", 4321)


def test_secrets_do_not_show_when_settings_are_printed():
    settings = load_settings(
        {
            "JUPITER_ADMIN_TOKEN": "a-very-secret-token",
            "JUPITER_LLM_API_KEY": "xai-secret",
            "REDIS_URL": "redis://:hidden@127.0.0.1/0",
        },
        env_file=None,
    )
    shown = repr(settings)
    assert not any(secret in shown for secret in ("a-very-secret-token", "xai-secret", "hidden"))
