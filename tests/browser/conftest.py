"""A real Chromium. Its driver does not work on the patched standard library of the other tests: a run of this folder
alone is not patched, and a run of everything reaches it through tests/integration/test_browser_lane.py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from backend import runtime
from tests.support.requirements import require_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

if runtime.mode() != "threading":
    collect_ignore_glob = ["test_*.py"]

PHONE, DESKTOP = (390, 844), (1440, 900)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each test gets contexts of its own from `new_page`."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # guards against hanging only: what is promised in time is measured
    path = require_chromium()
    sandbox = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=[*sandbox, "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: the folder named by JUPITER_SCREENSHOTS, or a temporary one."""
    folder = Path(os.environ.get("JUPITER_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages: `new_page(width, height, dark=False)`. At the end none may have thrown or reached another origin.

    A page's `faults` list may be emptied by a test that provoked them.
    """
    opened = []

    def open_page(width: int = DESKTOP[0], height: int = DESKTOP[1], *, dark: bool = False, **options: object) -> Page:
        scheme = "dark" if dark else "light"
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
        page = context.new_page()
        faults = watch(page)
        page.faults = faults
        opened.append((context, page, faults))
        return page

    yield open_page
    for context, _, _ in opened:
        context.close()
    assert [fault for _, _, faults in opened for fault in faults] == []


def _is_fault(line: object) -> bool:
    """An error, but for polling that the tests' own wire cuts: a slow connect makes the page try that way too."""
    cut = "net::ERR_FAILED" in line.text and "/socket.io/" in line.location.get("url", "")  # type: ignore[attr-defined]
    return line.type == "error" and not cut  # type: ignore[attr-defined]


def watch(page: Page) -> list[str]:
    """Collect what a page must not do: throw, log an error, break its content policy, reach another origin."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"threw: {error}"))
    page.on("console", lambda line: faults.append(f"logged: {line.text}") if _is_fault(line) else None)

    def check(request: object) -> None:
        address = request.url  # type: ignore[attr-defined]
        host = urlsplit(address).hostname
        if not address.startswith(("data:", "blob:", "about:")) and host != "127.0.0.1":
            faults.append(f"reached {address}")

    page.on("request", check)
    return faults
