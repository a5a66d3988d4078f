"""The set-up that `make` does by itself, and what is said where something is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import requirements
from tests.support.requirements import ROOT

STAMPS = (".venv/bin/python", ".venv/.installed", ".venv/.installed-dev")


@pytest.fixture
def checkout(tmp_path):
    """The files that make looks at, with an environment that is installed."""
    if not shutil.which("make"):
        requirements.missing("make", "install the package make and run again")
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in STAMPS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def _plan(checkout, target):
    made = subprocess.run(["make", "-n", target], cwd=checkout, check=True, capture_output=True, text=True)
    return made.stdout


def _younger(path):
    later = os.stat(path).st_mtime + 60
    os.utime(path, (later, later))


def test_what_is_installed_is_not_installed_again(checkout):
    assert "pip" not in _plan(checkout, "run")
    assert "run.py" in _plan(checkout, "run")
    assert "pip" not in _plan(checkout, "test")
    assert "scripts.run_tests" in _plan(checkout, "test")


def test_changed_requirements_are_installed(checkout):
    _younger(checkout / "requirements.txt")
    assert "pip install" in _plan(checkout, "run")
    assert "-r requirements.txt" in _plan(checkout, "run")
    assert "-r requirements-dev.txt" in _plan(checkout, "test")


def test_without_an_environment_one_is_made(checkout):
    shutil.rmtree(checkout / ".venv")
    plan = _plan(checkout, "run")
    assert plan.index("-m venv .venv") < plan.index("pip install") < plan.index("run.py")


def test_missing_tools_are_named_in_one_line_each_with_the_way_to_get_them(tmp_path):
    for name in ("sh", "id"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    told = subprocess.run(
        [str(ROOT / "scripts" / "test-tools")], env=environ, check=True, capture_output=True, text=True
    )
    lines = told.stdout.splitlines()
    assert [line.split(" is missing")[0] for line in lines] == ["redis-server", "Chromium", "node", "npm"]
    assert all("Get it: apt-get install" in line for line in lines)
    assert told.stderr == ""


def test_where_skipping_is_allowed_a_missing_tool_skips_and_says_how_to_get_it(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("JUPITER_TEST_NO_SKIP", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="redis-server is missing; install the package redis-server"):
        requirements.require_redis()


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("JUPITER_TEST_NO_SKIP", "1")])
def test_where_skipping_is_forbidden_a_missing_tool_fails(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(Path, "home", lambda: Path("/nonexistent"))
    for require in (requirements.require_redis, requirements.require_chromium, requirements.require_node):
        with pytest.raises(pytest.fail.Exception, match="is missing"):
            require()
