"""Take the README's screenshots from a demo of its own: `python -m scripts.screenshots`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.requirements import require_chromium
from tests.support.server import Jupiter

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
PATIENCE = 40_000


def main() -> int:
    """Walk through the README's demo and keep what it shows."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as driver,
        Jupiter(Path(folder), args=("demo",)) as jupiter,
    ):
        browser = driver.chromium.launch(executable_path=require_chromium(), args=["--no-sandbox"])
        walk(browser, jupiter)
        browser.close()
    return 0


def walk(browser: Browser, jupiter: Jupiter) -> None:
    """Take each picture at its place in the walk-through."""
    dashboard, console = window(browser, jupiter), window(browser, jupiter, "/admin")
    dark = window(browser, jupiter, dark=True)
    phone = window(browser, jupiter, width=390, height=844)
    ask(dashboard, "Which threat should I look at first?")
    keep(dashboard, "dashboard")
    keep(dark, "dashboard-dark")
    keep(phone, "phone")
    with jupiter.rest() as rest:
        rest.post("/api/demo/upstreams/threats", json={"mode": "hang"})
        expect(console.locator("#features")).to_contain_text("open", timeout=PATIENCE)
        expect(dashboard.locator("#threats")).to_have_attribute("data-state", "stale", timeout=PATIENCE)
        time.sleep(1)
        keep(console, "console-open")
        keep(dashboard, "dashboard-stale")
        rest.post("/api/demo/upstreams/threats", json={"mode": "ok"})
        expect(dashboard.locator("#threats")).to_have_attribute("data-state", "live", timeout=PATIENCE)
        time.sleep(1)
        keep(console, "console")


def window(
    browser: Browser, jupiter: Jupiter, path: str = "/", *, width: int = 1440, height: int = 1000, dark: bool = False
) -> Page:
    """Open a window that is signed in."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(jupiter.link)
    page.goto(jupiter.url + path)
    page.wait_for_timeout(1500)
    return page


def ask(page: Page, question: str) -> None:
    """Ask the chat and wait for the whole answer."""
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    answer = page.locator("#chat .message--answer").last
    expect(answer).to_have_attribute("data-status", "complete", timeout=PATIENCE)


def keep(page: Page, name: str) -> None:
    """Keep what the window shows."""
    page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
