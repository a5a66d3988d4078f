"""The demo as a newcomer meets it: full at once, then a breaker opens, the fallback appears, and it recovers."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.server import Jupiter

pytestmark = pytest.mark.browser
OPENS, RECOVERS = 30_000, 40_000
"""Milliseconds; both together are well below the two minutes that the README promises."""


def _switch(rest, **modes):
    for name, mode in modes.items():
        assert rest.post(f"/api/demo/upstreams/{name}", json={"mode": mode}).status == 200


def _ask(page, text):
    answers = page.locator("#chat .message--answer")
    number = answers.count()
    page.get_by_label("Your question").fill(text)
    page.get_by_label("Your question").press("Enter")
    answer = answers.nth(number)
    expect(answer).to_have_attribute("data-status", re.compile("complete|failed"), timeout=20_000)
    return answer


def test_a_newcomer_sees_a_failure_its_fallback_and_the_recovery(new_page, tmp_path, screenshots):
    page = new_page()
    with Jupiter(tmp_path, args=("demo",)) as jupiter, jupiter.rest() as rest:
        page.goto(jupiter.link)
        expect(page.locator("#threats .threat__id").first).to_have_text(re.compile(r"^DEMO-\d{4}-\d{4}$"))
        expect(page.locator("#pulse .topic").first).to_be_visible()
        assert not re.search(r"CVE-\d", page.locator("main").inner_text())
        expect(_ask(page, "What is new?")).to_contain_text("simulated model")
        expect(page.locator("#threats")).to_have_attribute("data-state", "live")
        page.screenshot(path=screenshots / "demo-well.png", full_page=True)

        _switch(rest, threats="refuse", feeds="error", epss="html", llm="refuse")
        expect(page.locator("#threats")).to_have_attribute("data-state", "stale", timeout=OPENS)
        expect(page.locator("#pulse")).to_have_attribute("data-state", "stale", timeout=OPENS)
        expect(_ask(page, "What is new?")).to_contain_text("local data")
        expect(page.locator("#status")).to_contain_text(re.compile("open", re.IGNORECASE), timeout=OPENS)
        expect(page.locator("#threats .threat").first).to_be_visible()
        page.screenshot(path=screenshots / "demo-broken.png", full_page=True)

        _switch(rest, threats="ok", feeds="ok", epss="ok", llm="ok")
        expect(page.locator("#threats")).to_have_attribute("data-state", "live", timeout=RECOVERS)
        expect(page.locator("#pulse")).to_have_attribute("data-state", "live", timeout=RECOVERS)
        expect(_ask(page, "And now?")).to_contain_text("simulated model")
        page.screenshot(path=screenshots / "demo-recovered.png", full_page=True)
        page.goto("about:blank")  # it would rightly complain about a server that is gone
        assert jupiter.stop() == 0
        assert jupiter.leftover() == []


def test_the_console_has_a_switch_for_each_upstream(new_page, tmp_path, screenshots):
    page = new_page()
    with Jupiter(tmp_path, args=("demo",)) as jupiter:
        page.goto(jupiter.link)
        page.goto(f"{jupiter.url}/admin")
        for title in ("Threat catalogue", "Exploit scores", "Security news", "Language model"):
            expect(page.get_by_text(re.compile(title)).first).to_be_visible()
        page.screenshot(path=screenshots / "demo-console.png", full_page=True)
        page.goto("about:blank")
