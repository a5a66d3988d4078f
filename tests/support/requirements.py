"""What some tests need beside Python. Missing, it skips them with one line that says how to get it; in CI it fails."""

import glob
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first is Chromium without its own windows, which takes a third less time for the same pages."""


def skipping_is_forbidden() -> bool:
    """CI sets CI=true; anybody may set JUPITER_TEST_NO_SKIP=1."""
    return os.environ.get("CI", "").lower() in ("1", "true") or os.environ.get("JUPITER_TEST_NO_SKIP") == "1"


def missing(what: str, remedy: str) -> None:
    """Skip the running test, or fail it where skipping is forbidden."""
    told = f"{what} is missing; {remedy}"
    if skipping_is_forbidden():
        pytest.fail(told, pytrace=False)
    pytest.skip(told)


def require_redis() -> str:
    """Return the path of redis-server."""
    found = shutil.which("redis-server")
    if not found:
        missing("redis-server", "install the package redis-server and run again")
    return str(found)


def require_node() -> str:
    """Return the path of node."""
    found = shutil.which("node")
    if not found:
        missing("node", "install the packages nodejs and npm and run again")
    return str(found)


def find_chromium() -> str | None:
    """Return a Chromium: JUPITER_CHROMIUM, the system's, or one that Playwright has installed."""
    named = [os.environ.get("JUPITER_CHROMIUM", ""), *CHROMIUM_NAMES]
    installed = sorted(glob.glob(str(Path.home() / ".cache/ms-playwright/chromium-*/chrome-linux*/chrome")))
    return next((path for name in named if name and (path := shutil.which(name))), None) or next(iter(installed), None)


def require_chromium() -> str:
    """Return the path of a Chromium."""
    found = find_chromium()
    if not found:
        missing("Chromium", "install the package chromium, or run `.venv/bin/playwright install chromium`")
    return str(found)


def require_data() -> Path:
    """Return the folder of recorded upstream data, which lies beside the project."""
    found = ROOT.parent / "shared" / "data"
    if not found.is_dir():
        missing(
            "the recorded data", f"it is looked for in {os.path.relpath(found, ROOT)} and is not part of the project"
        )
    return found
