"""The page of experiments and the console's outbox, over a real server whose database is told to fail."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import until
from tests.support.client import eventually
from tests.support.server import NOWHERE
from tests.support.unreliable import UnreliableJupiter

pytestmark = pytest.mark.browser
SETTINGS = {
    **NOWHERE,
    "JUPITER_LOGIN_RATE_LIMIT": "1000/minute",
    "JUPITER_BREAKER_FAILURES": "5",
    "JUPITER_BREAKER_OPEN_SECONDS": "1",
    "JUPITER_CALL_TIMEOUT_SECONDS": "2",
}

DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Resolves when what was changed has been drawn."""


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    made = UnreliableJupiter(tmp_path_factory.mktemp("experiments"), SETTINGS)
    with made.start() as running:
        yield running


@pytest.fixture
def rest(jupiter):
    jupiter.told()
    with jupiter.rest() as made:
        # The breaker may still be open from the test before: what is then listed may be gone, and deletions would wait.
        eventually(lambda: _is_live(made.get("/api/experiments?limit=1")), timeout=30)
        eventually(lambda: made.get("/api/outbox").body["pending"] == 0, timeout=30)
        for row in made.get("/api/experiments?limit=200").body["experiments"]:
            made.send("DELETE", f"/api/experiments/{row['id']}")
        yield made
        jupiter.told()


@pytest.fixture
def opened(new_page, jupiter):
    def open_page(path="/experiments", width=1440, height=900, **options):
        page = new_page(width, height, **options)
        page.goto(jupiter.link)
        page.goto(f"{jupiter.url}{path}")
        return page

    return open_page


def create(rest, *names, **more):
    return [
        rest.post("/api/experiments", json={"name": name, "experiment_type": "benchmark", **more}).body
        for name in names
    ]


def names(page):
    return page.locator("#experiments .experiments__name").all_inner_texts()


def state(page, wanted, name="experiments"):
    expect(page.locator(f"#{name}")).to_have_attribute("data-state", re.compile(wanted), timeout=20_000)


def test_an_experiment_is_created_changed_deleted_and_restored(opened, rest):
    page = opened()
    expect(page.locator("#experiments")).to_contain_text("No experiments yet")
    state(page, "empty")
    page.locator("#experiments .panel__tools").get_by_role("button", name="New experiment").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("First of all")
    dialog.get_by_label("Parameters").fill("not json")
    page.keyboard.press("Control+Enter")
    dialog.get_by_role("button", name="Create").click()
    expect(dialog).to_contain_text("This is not JSON")
    dialog.get_by_label("Parameters").fill('{"depth": 2}')
    dialog.get_by_role("button", name="Create").click()
    expect(page.locator(".experiments__name")).to_have_text("First of all")
    page.get_by_role("button", name="Edit First of all").click()
    expect(dialog.get_by_label("Parameters")).to_have_value(re.compile('"depth": 2'))
    dialog.get_by_label("Name").fill("Second thoughts")
    dialog.get_by_label("Status").select_option("completed")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".experiments__name")).to_have_text("Second thoughts")
    expect(page.locator("#experiments")).to_contain_text("Completed")
    page.get_by_role("button", name="Delete Second thoughts").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#experiments")).to_contain_text("No experiments yet")
    page.get_by_label("Deleted").check()
    page.get_by_role("button", name="Restore Second thoughts").click()
    expect(page.get_by_role("button", name="Restore Second thoughts")).to_have_count(0)  # it is done
    page.get_by_label("Deleted").uncheck()
    expect(page.locator(".experiments__name")).to_have_text("Second thoughts")
    assert rest.get("/api/experiments").body["experiments"][0]["parameters"] == {"depth": 2}


def test_the_filters_are_in_the_address_and_the_way_back_works(opened, rest):
    create(rest, "alpha", "beta")
    create(rest, "gamma", status="failed")
    page = opened("/experiments?status=failed")
    expect(page.locator(".experiments__name")).to_have_text(["gamma"])
    page.get_by_label("Status").select_option("")
    expect(page.locator(".experiments__name")).to_have_count(3)
    page.get_by_label("Search names").fill("bet")
    expect(page.locator(".experiments__name")).to_have_text(["beta"])
    assert page.url.endswith("/experiments?q=bet")
    page.get_by_label("Search names").fill("nothing of the kind")
    expect(page.locator("#experiments")).to_contain_text("Nothing found")
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.locator(".experiments__name")).to_have_count(3)
    page.get_by_label("Order").select_option("name")
    expect(page.locator(".experiments__name")).to_have_text(["alpha", "beta", "gamma"])
    page.go_back()
    expect(page.locator(".experiments__name")).to_have_text(["gamma", "beta", "alpha"])


def test_a_list_keeps_its_own_buttons_and_words_until_the_answer_to_a_new_filter_comes(opened, rest):
    create(rest, "still there")
    page = opened("/experiments?q=still")
    expect(page.get_by_role("button", name="Delete still there")).to_be_visible()
    held = []

    def hold(route):
        held.append(route)

    page.route("**/api/experiments?*", hold)
    page.get_by_label("Deleted").check()
    until(page, lambda: any("deleted=true" in route.request.url for route in held))
    page.evaluate(DRAWN)
    expect(page.get_by_role("button", name="Delete still there")).to_be_visible()
    expect(page.get_by_role("button", name="Restore still there")).to_have_count(0)
    for route in held:
        route.fallback()
    held.clear()
    page.unroute("**/api/experiments?*")
    expect(page.locator("#experiments")).to_contain_text("Nothing found")
    page.route("**/api/experiments?*", hold)
    page.get_by_role("button", name="Clear the filters").click()
    until(page, lambda: any("search=still" not in route.request.url for route in held))
    page.evaluate(DRAWN)
    expect(page.locator("#experiments")).to_contain_text("Nothing found")
    for route in held:
        route.fulfill(json={**rest.get("/api/experiments?limit=1").body, "experiments": [], "next_cursor": None})
    expect(page.locator("#experiments")).to_contain_text("Nothing is deleted")


def test_a_long_list_is_turned_page_by_page(opened, rest):
    create(rest, *[f"number {number:02}" for number in range(60)])
    page = opened("/experiments?sort=name")
    expect(page.locator(".experiments__foot")).to_contain_text("1 to 50 of 60")
    page.get_by_role("button", name="Further").click()
    expect(page.locator(".experiments__foot")).to_contain_text("51 to 60 of 60")
    expect(page.locator(".experiments__name").first).to_have_text("number 50")
    page.get_by_role("button", name="Back").click()
    expect(page.locator(".experiments__name").first).to_have_text("number 00")


def test_when_the_last_row_of_the_last_page_goes_the_page_before_it_is_shown(opened, rest):
    create(rest, *[f"number {number:02}" for number in range(51)])
    page = opened("/experiments?sort=name")
    page.get_by_role("button", name="Further").dblclick()
    expect(page.locator(".experiments__foot")).to_contain_text("51 to 51 of 51")
    page.get_by_role("button", name="Delete number 50").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".experiments__foot")).to_contain_text("1 to 50 of 50")
    expect(page.get_by_role("button", name="Back")).to_be_disabled()


def test_create_pressed_twice_creates_one(opened, rest):
    page = opened()
    page.get_by_role("button", name="New experiment").first.click()
    sent = []

    def hold(route):
        if route.request.method != "POST":
            return route.fallback()
        return sent.append(route)

    page.route("**/api/experiments", hold)
    page.get_by_label("Name", exact=True).fill("once")
    page.get_by_role("button", name="Create", exact=True).dblclick()
    until(page, lambda: sent)
    sent[0].continue_()  # after both
    expect(page.locator(".experiments__name")).to_have_count(1)
    assert len(sent) == 1
    assert rest.get("/api/experiments").body["total"] == 1


def test_a_file_goes_in_with_a_report_and_exactly_what_is_shown_comes_out(opened, rest, tmp_path, screenshots):
    page = opened()
    file = tmp_path / "experiments.csv"
    file.write_text("name,experiment_type\n=one,benchmark\ntwo,dance\n<b>three</b>,ab_test\n")
    page.get_by_role("button", name="Import").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("File").set_input_files(file)
    dialog.get_by_role("button", name="Import").click()
    expect(dialog).to_contain_text("2 of 3 rows taken in. 1 was skipped.")
    expect(dialog.locator("tbody tr")).to_contain_text("experiment_type")
    page.screenshot(path=screenshots / "experiments-import.png")
    dialog.get_by_role("button", name="Done").click()
    expect(page.locator(".experiments__name")).to_have_count(2)
    page.get_by_label("Search names").fill("one")
    expect(page.locator(".experiments__name")).to_have_text(["=one"])
    with page.expect_download() as told:
        page.get_by_role("link", name="Export CSV").click()
    text = told.value.path().read_text()
    assert ("'=one" in text, "three" in text) == (True, False)
    page.get_by_label("Search names").fill("")
    with page.expect_download() as told:
        page.get_by_role("link", name="Export JSON").click()
    assert {row["name"] for row in json.loads(told.value.path().read_text())} == {"=one", "three"}


def test_while_the_database_is_away_the_page_goes_on_and_says_so(opened, rest, jupiter, screenshots):
    create(rest, "before")
    rest.get("/api/dashboard/summary?force_refresh=1")
    page = opened()
    expect(page.locator(".experiments__name")).to_have_text("before")
    jupiter.told(fail=("*",))
    page.locator("#experiments .panel__tools").get_by_role("button", name="New experiment").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("during the outage")
    dialog.get_by_role("button", name="Create").click()
    expect(page.locator(".experiments__name").first).to_have_text("during the outage")
    state(page, "stale")
    expect(page.locator("#experiments")).to_contain_text("1 change waits for the database")
    page.screenshot(path=screenshots / "experiments-away.png", full_page=True)
    jupiter.told()
    state(page, "live")
    expect(page.locator("#experiments")).not_to_contain_text("waits", timeout=40_000)
    expect(page.locator(".experiments__name").first).to_have_text("during the outage")
    page.faults.clear()


def test_with_nothing_to_show_the_page_says_what_happened(opened, rest, jupiter, new_page):
    jupiter.told(fail=("*",))
    token = jupiter.token_for("newcomer", "viewer")
    page = new_page()
    page.goto(f"{jupiter.url}/login?token={token}")
    page.goto(f"{jupiter.url}/experiments")
    state(page, "error")
    expect(page.locator("#experiments .problem")).to_contain_text("unavailable")
    expect(page.get_by_role("button", name="New experiment")).to_have_count(0)
    page.faults.clear()  # the answers with status 503, which the browser logs


def test_the_console_shows_what_waits_and_what_was_refused(opened, rest, jupiter, screenshots):
    jupiter.told(fail=("*",))
    rest.send("PATCH", "/api/experiments/00000000-0000-4000-8000-000000000001", json={"name": "of nothing"})
    page = opened("/admin")
    entry = page.locator(".outbox__entry").filter(has_text="00000000-0000-4000-8000-000000000001")
    expect(entry.locator(".tag")).to_have_text("waits")
    jupiter.told()
    expect(entry.locator(".tag")).to_have_text("set aside", timeout=40_000)
    state(page, "partial", "outbox")
    expect(page.locator("#outbox")).to_contain_text("There is no such record")
    page.screenshot(path=screenshots / "outbox.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    page.locator("#outbox").screenshot(path=screenshots / "outbox-390-dark.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
    before = _refused_entry(rest)["tried_at"]
    entry.get_by_role("button", name="Try again").click()
    eventually(lambda: _tried_again(rest, before), timeout=30)
    entry.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(page.locator("#outbox")).to_contain_text("Nothing waits")
    page.faults.clear()  # the health report has status 503 meanwhile, which the browser logs


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1440, True), (390, False), (390, True)])
def test_it_looks_right(opened, rest, screenshots, width, dark):
    create(
        rest, "Weekly scan of the example network", description="All hosts of the second floor, without the printers"
    )
    create(rest, "What if the threat catalogue hangs", status="completed", experiment_type="chaos_drill")
    create(rest, "x" * 190, status="failed", experiment_type="ab_test")
    create(rest, "Sixteen readers at once", status="running")
    page = opened(width=width, height=844 if width == 390 else 900, dark=dark)
    expect(page.locator(".experiments__name")).to_have_count(4)
    state(page, "live")
    page.screenshot(path=screenshots / f"experiments-{width}{'-dark' if dark else ''}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_all_can_be_done_by_keyboard(opened, rest):
    create(rest, "by keyboard")
    page = opened()
    expect(page.locator(".experiments__name")).to_have_count(1)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Delete by keyboard":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert names(page) == ["by keyboard"]


def _is_live(answer):
    return answer.status == 200 and not answer.body.get("stale")


def _refused_entry(rest):
    """The entry of the record that there is not, while it is set aside; None while it is being tried."""
    entries = rest.get("/api/outbox?state=set_aside").body["entries"]
    return next((entry for entry in entries if "00000000-0000-4000-8000-000000000001" in str(entry)), None)


def _tried_again(rest, before):
    entry = _refused_entry(rest)
    return entry is not None and entry["tried_at"] != before
