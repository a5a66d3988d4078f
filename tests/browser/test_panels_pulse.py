"""The pulse panel: topics that open by keyboard, all their items, their threat records, windows, age."""

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS, Wire, all_well, iso, pulse, until
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser
ITEM = {"title": "An article", "url": "https://example.com/a", "source": "Example", "published": iso(-600)}
TOPIC = {
    "kind": "phrase",
    "mentions": 4,
    "authors": 1,
    "sources": 2,
    "source_names": ["Example", "Other"],
    "velocity": 0.5,
    "burst": None,
    "items": [ITEM],
    "threat_id": None,
    "threat_ids": [],
}


def topics(*names, **more):
    event, payload = pulse(0)
    listed = [{**TOPIC, "topic": name, **more} for name in names]
    return event, {**payload, "topics": listed}


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("panels"), SETTINGS) as made:
        yield made


@pytest.fixture
def opened(new_page, jupiter):
    """Open the dashboard with some topics."""

    def open_page(told, *size, **options):
        page = new_page(*size, **options)
        wire = Wire(page, {**all_well(), "pulse": told})
        page.goto(jupiter.link)
        expect(page.locator("#pulse .topic").first).to_be_visible()
        return page, wire

    return open_page


def summary(page, name):
    return page.locator("#pulse .topic summary", has_text=name)


def test_a_topic_opens_by_keyboard_and_all_its_items_can_be_had(opened):
    page, _ = opened(topics("SharePoint", "NPM", kind="product"), 390, 844, dark=True)
    asked = []

    def answer(route):
        asked.append(route.request.url.partition("?")[2])
        more = {"author": "ann@social.example", "summary": "", "ids": [], "source_names": ["Example", "Other"]}
        items = [{**ITEM, **more, "title": f"Article {n}"} for n in range(4)]
        route.fulfill(json={"items": items, "total": 4, "threat_ids": []})

    page.route("**/api/pulse/items*", answer)
    summary(page, "SharePoint").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pulse .topic__facts")).to_contain_text("Example, Other · 1 author")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="An article")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#pulse .topic__items li")).to_have_count(4)
    expect(page.locator("#pulse .topic__items")).to_contain_text("ann@social.example")
    assert asked == ["topic=SharePoint&kind=product&window=24h"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_topic_leads_to_its_threat_records(opened):
    page, wire = opened(topics("SharePoint", threat_ids=["CVE-2025-53770", "CVE-2025-49706"]))
    page.get_by_label("Exploited").check()
    summary(page, "SharePoint").click()
    page.get_by_role("button", name="CVE-2025-49706").click()
    expect(page.locator("#threats input[type=search]").first).to_have_value("CVE-2025-49706")
    wanted = {"limit": 50, "search": "CVE-2025-49706"}
    until(page, lambda: wire.sent("request_threats")[-1:] == [wanted])


def test_an_open_topic_stays_open_and_in_its_place_when_news_come(opened):
    page, wire = opened(topics(*(f"topic {n}" for n in range(12))))
    body = page.locator("#pulse .panel__body")
    summary(page, "topic 7").click()
    expect(page.locator("#pulse .topic__facts")).to_be_visible()  # what it opens moves what stands below
    body.evaluate("box => { box.scrollTop = 120 }")
    before = body.evaluate("box => box.scrollTop")
    for _ in range(3):
        event, payload = topics(*(f"topic {n}" for n in range(12)), mentions=5)
        wire.push("pulse", event, payload)
        page.wait_for_timeout(60)
    expect(page.locator("#pulse .topic__counts").first).to_contain_text("5 mentions")
    assert page.locator("#pulse details[open]").count() == 1 + page.locator("#pulse details.ledger[open]").count()
    assert body.evaluate("box => box.scrollTop") == before


def test_another_window_is_asked_for_and_kept_in_the_address(opened):
    page, wire = opened(topics("SharePoint"))
    page.get_by_label("7d", exact=True).check()
    until(page, lambda: wire.sent("request_pulse")[-1:] == [{"window": "7d"}])
    assert "window=7d" in page.url


def test_what_is_old_is_told_with_its_age_and_never_as_live(opened):
    event, payload = topics("SharePoint")
    told = "Service temporarily degraded, showing cached data. A News: The server refused the connection."
    page, _ = opened((event, {**payload, "status": "stale", "stale": True, "as_of": iso(-7200), "message": told}))
    expect(page.locator("#pulse")).to_have_attribute("data-state", "stale")
    expect(page.locator("#pulse .panel__state")).to_contain_text("2 h")


def test_a_list_of_items_that_cannot_be_had_is_told(opened):
    page, _ = opened(topics("SharePoint"))
    page.route("**/api/pulse/items*", lambda route: route.abort())
    summary(page, "SharePoint").click()
    page.get_by_role("button", name="Show all 4 items").click()
    expect(page.get_by_text("The items were not loaded")).to_be_visible()
    expect(page.get_by_role("button", name="Show all 4 items")).to_be_enabled()
    page.faults.clear()  # the browser logs the request that this test has cut
