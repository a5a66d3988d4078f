"""Every state of the panels on both screens and in both themes: what it claims, what it says, that it fits."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS, Wire, all_well, pulse, source, status, summary, threats
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
FAILING = {"error": "No answer within 10 s.", "suggestion": "Check the network.", "circuit_breaker": "open"}


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("panels"), SETTINGS) as made:
        yield made


@pytest.fixture
def open_with(new_page, jupiter):
    """Open the dashboard over a wire that knows these snapshots."""

    def open_page(changed, *size, at=None, **options):
        page = new_page(*size, **options)
        if at:
            page.clock.set_fixed_time(at)
        page.wire = Wire(page, {**all_well(), **changed})
        page.goto(jupiter.link)
        expect(page.locator(".masthead [data-part='connection']")).to_contain_text("Live")
        return page

    return open_page


def _nothing(status_word, **more):
    """Threats and pulse of which nothing was ever loaded."""
    about = {"stale": False, "as_of": None, "sources": [source("cisa_kev", "CISA KEV", status_word, **more)]}
    return {
        "threats": threats(0, **about, success=False),
        "pulse": pulse(0, **about, status="error"),
    }


def _cases():
    kev, epss = source("cisa_kev", "CISA KEV"), source("epss", "FIRST EPSS", "error", **FAILING)
    old = source("cisa_kev", "CISA KEV", "stale", **FAILING)
    hint = {"suggestion": "Set JUPITER_SOURCE_CISA_KEV_URL and start again."}
    return {
        "live": ({}, {"threats": "live", "pulse": "live", "summary": "live", "status": "live", "chat": "empty"}, ""),
        "ageing": ({"threats": threats(age=500)}, {"threats": "ageing"}, "8 min ago"),
        "stale": ({"threats": threats(age=900, sources=[old])}, {"threats": "stale"}, "last confirmed 15 min ago"),
        "stale-told": ({"threats": threats(stale=True, sources=[old])}, {"threats": "stale"}, "No answer within 10 s."),
        "partial": ({"threats": threats(sources=[kev, epss])}, {"threats": "partial"}, "FIRST EPSS failing"),
        "empty": ({"threats": threats(0), "pulse": pulse(0)}, {"threats": "empty", "pulse": "empty"}, "No threats"),
        "error": (_nothing("error", **FAILING), {"threats": "error", "pulse": "error"}, "Check the network."),
        "setup": (_nothing("not_configured", **hint), {"threats": "setup", "pulse": "setup"}, "python run.py demo"),
        "loading": (_nothing("loading"), {"threats": "loading", "pulse": "loading"}, "Loading"),
    }


@pytest.mark.parametrize("case", _cases())
def test_a_panel_shows_its_state_and_fits_on_every_screen(open_with, screenshots, case):
    changed, wanted, words = _cases()[case]
    page = open_with(changed)
    for panel, state in wanted.items():
        expect(page.locator(f"#{panel}")).to_have_attribute("data-state", state)
    expect(page.locator("#threats")).to_contain_text(words)
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(200)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=screenshots / f"panels-{case}-{size}-{theme}.png", full_page=True)


def test_nothing_that_is_not_live_wears_the_colour_of_live(open_with):
    colours = {}
    for case in ("live", "ageing", "stale", "partial", "error", "setup", "loading"):
        page = open_with(_cases()[case][0])
        expect(page.locator("#threats")).to_have_attribute("data-state", case)
        colours[case] = page.locator("#threats .state").evaluate("chip => getComputedStyle(chip).color")
    assert [case for case, colour in colours.items() if colour == colours["live"]] == ["live"]


def test_a_failed_request_says_what_happened_what_to_do_and_its_id(open_with):
    page = open_with(_nothing("loading"))
    told = {"error": "The catalogue cannot be reached", "type": "UPSTREAM_ERROR", "recoverable": True}
    failed = {**told, "suggestion": "Check the proxy", "retry_after": 30, "error_id": "abc123"}
    page.wire.send("threats_error", failed)
    notice = page.locator("#threats .problem")
    for words in ("The catalogue cannot be reached", "Check the proxy.", "Try again in", "abc123"):
        expect(notice).to_contain_text(words)
    expect(page.locator("#threats")).to_have_attribute("data-state", "error")
    page.wire.snapshots["threats"] = threats()
    notice.get_by_role("button", name="Retry now").click()
    expect(page.locator("#threats")).to_have_attribute("data-state", "live")
    assert page.wire.sent("request_threats")[-1]["force_refresh"] is True
    expect(notice).to_have_count(0)


def test_a_part_of_the_summary_that_failed_is_named(open_with):
    page = open_with({"summary": summary(partial_failure=True, errors={"by_type": "Not available now."})})
    expect(page.locator("#summary")).to_have_attribute("data-state", "partial")
    expect(page.locator("#summary")).to_contain_text("By type: Not available now.")


def test_an_open_breaker_counts_down_to_its_probe(open_with):
    dependencies = {"cisa_kev": {"circuit_breaker": "open", "failures": 5, "retry_after": 40}}
    feature = {"enabled": False, "circuit_breaker": "open", "failures": 5, "dependencies": dependencies}
    began = datetime.now(UTC)
    page = open_with({"status": status(threat_intelligence=feature)}, at=began)
    row = page.locator("#status .feature", has_text="Threat intelligence")
    expect(row).to_contain_text("Circuit open")
    expect(row).to_contain_text(re.compile(r"probe in (40|39|38) s"))
    page.clock.set_fixed_time(began + timedelta(seconds=5))
    expect(row).to_contain_text(re.compile(r"probe in 3[0-7] s"))
