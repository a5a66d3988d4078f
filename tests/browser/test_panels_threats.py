"""The threat panel in a real browser: filters are the address, details say who says what, exports are the rows."""

import json
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS, Wire, all_well, iso, source, threat, threats, until
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser
SCORE = {
    "version": "3.1",
    "vector": "CVSS:3.1/AV:N",
    "score": 9.8,
    "severity": "critical",
    "source": "NVD",
    "primary": True,
}
KEV, NVD = source("cisa_kev", "CISA KEV"), source("nvd", "NVD")
HOSTILE = "<img src=x onerror=alert(1)>[.]example"
RECORD = threat(
    1,
    cvss=SCORE,
    aliases=["GHSA-DEMO-0001-DEMO"],
    tags=["pip: example"],
    related=["DEMO-2026-0002"],
    indicator_count=3,
    sources=["cisa_kev", "nvd"],
    updated="2025-12-02T00:00:00+00:00",
)


def said(name, title, status, age, **more):
    """What one source has to do with the record."""
    return {"source": name, "title": title, "status": status, "as_of": iso(age), "url": None, "cvss": None, **more}


DETAIL = {
    **RECORD,
    "indicators": [
        {"type": "url", "value": "hxxps://bad[.]example/x"},
        {"type": "domain", "value": HOSTILE, "use": "context"},
    ],
    "provenance": [
        said("cisa_kev", "CISA KEV", "live", -60, says=["title"]),
        said("nvd", "NVD", "stale", -900, url="https://nvd.example/1", says=["cwes"], cvss=SCORE),
    ],
    "as_of": iso(-900),
    "stale": True,
}


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("threats"), SETTINGS) as made:
        yield made


@pytest.fixture
def opened(new_page, jupiter):
    """Open the dashboard over a wire of the test, with one record that has everything."""

    def open_page(path="/", *, width=1440, dark=False):
        page = new_page(width, dark=dark)
        name, payload = threats(2, sources=[KEV, NVD])
        payload["threats"][0] = RECORD
        wire = Wire(page, all_well() | {"threats": (name, payload)})
        page.route("**/api/threats/DEMO-*", lambda route: route.fulfill(json=DETAIL))
        page.goto(jupiter.link)
        page.goto(f"{jupiter.url}{path}")
        expect(page.locator("#threats .threat")).to_have_count(2)
        return page, wire

    return open_page


def test_every_filter_and_the_order_are_the_address_the_question_and_the_export(opened):
    page, wire = opened(
        "/?exploited=1&source=cisa_kev&vendor=Example&epss=0.5&since=2025-11-01&until=2025-12-31&sort=cvss"
    )
    asked = {"known_exploited": True, "source": "cisa_kev", "vendor": "Example", "epss_min": 0.5}
    asked |= {"since": "2025-11-01", "until": "2025-12-31", "sort": "cvss"}
    until(page, lambda: wire.sent("request_threats"))
    assert wire.sent("request_threats")[-1] == {"limit": 50, **asked}
    assert page.get_by_label("Exploited").is_checked()
    assert page.get_by_label("Order").input_value() == "cvss"
    assert page.get_by_label("Source", exact=True).input_value() == "cisa_kev"
    assert page.get_by_label("Vendor", exact=True).input_value() == "Example"
    assert page.get_by_label("From").input_value() == "2025-11-01"
    link = urlsplit(page.get_by_role("link", name="STIX").get_attribute("href"))
    given = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert link.path == "/api/threats/export"
    told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in asked.items()}
    assert given == {**told, "format": "stix", "limit": "2"}
    page.get_by_label("Order").select_option("priority")
    page.get_by_label("Source", exact=True).select_option("nvd")
    expect(page).to_have_url(
        re.compile(r"/\?exploited=1&source=nvd&vendor=Example&epss=0\.5&since=2025-11-01&until=2025-12-31$")
    )


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_row_opens_by_keyboard_and_says_who_says_what(opened, screenshots, width, dark):
    page, _ = opened(width=width, dark=dark)
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    row = page.locator("#threats .threat").first
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(row.locator(".threat__sources li")).to_have_count(2)
    expect(row.locator(".threat__sources")).to_contain_text("NVD")
    expect(row.locator(".threat__sources")).to_contain_text("CVSS 9.8 (3.1), weakness")
    expect(row.locator(".threat__sources")).to_contain_text(re.compile(r"confirmed \d+ min ago"))
    expect(row.locator(".threat__indicators")).to_contain_text("hxxps://bad[.]example/x")
    expect(row.locator(".threat__indicators")).to_contain_text(HOSTILE)
    expect(row.locator(".threat__indicators li", has_text="context only")).to_have_count(1)
    expect(row.locator(".threat__facts")).to_contain_text("GHSA-DEMO-0001-DEMO")
    expect(row).to_contain_text("3 indicators, the first 2")
    assert row.locator(".threat__indicators a, .threat__indicators img").count() == 0
    assert dialogs == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=screenshots / f"threat-{width}{'-dark' if dark else ''}.png")
    row.get_by_role("button", name="DEMO-2026-0002").click()
    expect(page).to_have_url(re.compile(r"/\?q=DEMO-2026-0002$"))


def test_details_that_cannot_be_had_leave_the_row_as_it_is(opened):
    page, _ = opened()
    page.route("**/api/threats/DEMO-*", lambda route: route.fulfill(status=503, json={"error": "x"}))
    row = page.locator("#threats .threat").first
    row.locator("summary").click()
    expect(row).to_contain_text("cannot be shown at the moment")
    expect(row).to_contain_text("Why it ranks here")
    page.faults[:] = [fault for fault in page.faults if "503" not in fault]


@pytest.fixture
def typing(opened):
    """Open the dashboard with a clock that stands still: the pause after a letter lasts until the test lets it end."""
    page, wire = opened()
    page.clock.install()
    page.clock.pause_at(time.time() + 60)
    page.locator(".threat-filters__more summary").click()
    return page, wire


def test_what_is_typed_is_not_undone_by_a_push_in_the_pause_after_it(typing):
    page, wire = typing
    search, vendor = page.get_by_role("searchbox", name="Search id"), page.get_by_label("Vendor", exact=True)
    search.press_sequentially("router")
    vendor.press_sequentially("Example")
    wire.push("threats", *threats(2, sources=[KEV, source("drawn", "Drawn anew")]))
    expect(page.get_by_label("Source", exact=True)).to_contain_text("Drawn anew")
    expect(search).to_have_value("router")
    expect(vendor).to_have_value("Example")
    page.clock.run_for(250)
    expect(page).to_have_url(re.compile(r"/\?q=router&vendor=Example$"))
    search.press("End")
    page.keyboard.type(" 1")
    page.clock.run_for(250)
    expect(page).to_have_url(re.compile(r"/\?q=router\+1&vendor=Example$"))
    search.press("ArrowLeft")
    page.keyboard.type("2")
    page.clock.run_for(250)
    expect(page).to_have_url(re.compile(r"/\?q=router\+21&vendor=Example$"))
    page.keyboard.type("3")
    expect(search).to_have_value("router 231")
    page.clock.run_for(250)
    page.evaluate("history.replaceState(null, '', '/?q=other'); dispatchEvent(new PopStateEvent('popstate'))")
    expect(search).to_have_value("other")
    expect(vendor).to_have_value("")
