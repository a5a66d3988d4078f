"""Pages as such: keyboard, themes, no script, the console's switches, the public status page."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS, Wire, all_well
from tests.browser.toasts import hold
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("panels"), SETTINGS) as made:
        yield made


@pytest.fixture
def signed_in(new_page, jupiter):
    """Open a page of the real server as the administrator."""

    def open_page(path="/", width=1440, height=900, **options):
        page = new_page(width, height, **options)
        page.goto(jupiter.link)
        page.goto(f"{jupiter.url}{path}")
        return page

    return open_page


@pytest.mark.parametrize("path", ["/", "/experiments", "/admin", "/status", "/login", "/nothing"])
@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
def test_no_page_scrolls_sideways(signed_in, path, width):
    page = signed_in(path, width)
    if path == "/nothing":
        page.faults.clear()  # that this page is missing is what is being shown
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_ones_account_is_reached_from_a_phone(signed_in):
    page = signed_in(width=390, height=844)
    page.locator("a[href='/account']:visible").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def test_on_paper_a_dark_page_is_light_and_its_panels_stand_below_each_other(signed_in):
    page = signed_in(dark=True)
    page.get_by_label("Dark").check()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(30, 34, 39)"
    boxes = page.locator(".panel").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )  # at once
    assert len(boxes) == 7
    for above, below in pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"]
    inner = page.locator(".panel__body").evaluate_all(
        "all => all.filter(one => one.scrollHeight > one.clientHeight + 1).length"
    )
    assert inner == 0
    expect(page.get_by_role("button", name="Send")).to_be_hidden()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(signed_in):
    page = signed_in()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_everything_can_be_reached_by_keyboard_and_shows_its_focus(new_page, jupiter):
    page = new_page()
    Wire(page, all_well())
    page.goto(jupiter.link)
    expect(page.locator("#threats .threat").first).to_be_visible()
    wanted = page.evaluate(
        "() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]"
        ".filter(el => el.checkVisibility() && !el.disabled && !(el.type === 'radio' && !el.checked)).length"
    )
    seen = set()
    for step in range(wanted + 12):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            "() => { const el = document.activeElement; el.dataset.stop ??= Math.random();"
            " const lit = el.matches('.segments input, .themes input') ? el.nextElementSibling : el;"
            " return [el.dataset.stop, el.tagName, getComputedStyle(lit).outlineStyle] }"
        )
        if shown[1] == "BODY":
            break
        assert shown[2] != "none", f"stop {step}: {shown}"
        seen.add(shown[0])
    assert len(seen) >= wanted


def test_the_theme_is_kept_and_applied_before_the_first_paint(signed_in):
    page = signed_in()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("radio", name="Dark").check()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload(wait_until="commit")
    page.wait_for_selector("body", state="attached")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.wait_for_load_state()  # with its styles
    assert page.evaluate(ground) == dark
    page.get_by_role("radio", name="System").check()
    assert page.evaluate(ground) == light


def test_signing_out_ends_at_the_sign_in_page(signed_in, jupiter):
    page = signed_in()
    # The socket and the polls of the page may be told that the login has ended before the sign-out itself is answered.
    page.route("**/logout", lambda route: (route.fetch(), page.wait_for_timeout(1500), route.fulfill(status=204)))
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{jupiter.url}/login")
    page.goto(f"{jupiter.url}/admin")
    assert "/login" in page.url
    page.faults.clear()  # the request that told the page that it is signed out


def test_nobody_is_led_to_believe_that_they_are_signed_out(signed_in, jupiter):
    page = signed_in()
    page.route("**/logout", lambda route: route.fulfill(status=503, json={"error": "Away"}))
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("body")).to_contain_text("Away")
    page.unroute("**/logout")
    page.goto(f"{jupiter.url}/account")
    assert page.url.endswith("/account")
    page.faults.clear()  # the browser logs the refusal, which was provoked


def test_a_wrong_token_is_told_beside_the_field(new_page, jupiter):
    page = new_page()
    page.goto(f"{jupiter.url}/login")
    page.get_by_label("Token").fill("nonsense")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    expect(page.get_by_label("Token")).to_be_focused()
    page.faults.clear()  # the 401 is the point


def test_a_missing_page_has_words_an_id_and_a_way_back(signed_in):
    page = signed_in("/nothing")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".card__id code")).to_have_text(re.compile(r"\S{6,}"))
    page.faults.clear()
    page.get_by_role("link", name="Back to the dashboard").click()
    expect(page.locator("#threats")).to_be_visible()


def test_without_scripts_status_and_console_still_tell_what_they_know(new_page, jupiter):
    page = new_page(java_script_enabled=False)
    page.goto(f"{jupiter.url}/status")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("work|degraded|disrupted"))
    expect(page.get_by_text("Threat intelligence")).to_be_visible()
    page.goto(jupiter.link)
    expect(page.get_by_text("needs JavaScript")).to_be_visible()
    page.goto(f"{jupiter.url}/admin")
    expect(page.locator("#features table")).to_contain_text("Community pulse")
    expect(page.locator("#error_stats")).to_contain_text("In the last 60 minutes")


def test_the_status_page_says_when_it_is_out_of_date(new_page, jupiter):
    page = new_page()
    page.clock.install()
    page.goto(f"{jupiter.url}/status")
    verdict = page.locator("[data-part='verdict']")
    expect(verdict).to_contain_text("confirmed just now")
    page.route("**/status.json", lambda route: route.abort())
    page.clock.run_for(80_000)
    expect(verdict).to_have_class(re.compile("outdated"))
    page.unroute("**/status.json")
    page.clock.run_for(21_000)
    expect(verdict).not_to_have_class(re.compile("outdated"))
    page.faults.clear()  # the requests that were aborted


def test_the_status_page_never_confirms_what_it_does_not_show(new_page, jupiter):
    """A page opened behind another one may be looked at for the first time when what it shows is long over."""
    page = new_page()
    page.clock.install()
    told = page.request.get(f"{jupiter.url}/status.json").json()
    told["features"]["grok_chat"] = "degraded" if told["features"]["grok_chat"] == "operational" else "operational"
    page.route("**/status.json", lambda route: route.fulfill(json=told))
    page.goto(f"{jupiter.url}/status")
    page.clock.run_for(500)
    with page.expect_navigation():
        page.clock.run_for(21_000)
    page.unroute("**/status.json")


def test_a_feature_is_switched_off_with_a_reason_on_again_and_reset(signed_in):
    page = signed_in("/admin")
    row = page.locator(".breaker", has_text="Chat")
    row.get_by_role("button", name="Switch off").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Maintenance tonight")
    dialog.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("Switched off")
    expect(row).to_contain_text("Maintenance tonight")
    row.get_by_role("button", name="Switch on").click()
    expect(row).to_contain_text("Working")
    row.get_by_role("button", name="Reset").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    row.get_by_role("button", name="Reset").click()
    hold(page)
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    expect(page.locator(".toast", has_text="reset")).to_be_visible()


def test_errors_are_filtered_in_the_address_and_show_their_context(signed_in, jupiter):
    page = signed_in("/admin?limit=100")
    rows = page.locator(".error-row")
    expect(rows.first).to_be_visible(timeout=15_000)  # the sources of this server refuse
    kind = rows.first.locator("code").inner_text()
    page.get_by_label("Type", exact=True).select_option(kind)
    expect(page).to_have_url(f"{jupiter.url}/admin?type={kind}&limit=100")
    at = rows.first.locator("time").get_attribute("datetime")  # a newer one may come before it
    row = rows.filter(has=page.locator(f"time[datetime='{at}']")).first
    row.locator("summary").click()
    expect(row.locator("dl")).to_be_visible()
    page.get_by_role("searchbox").fill("no such words anywhere")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(rows.first).to_be_visible()


def test_an_experiment_is_created_and_wrong_fields_are_told_beside_them(signed_in):
    page = signed_in()
    page.get_by_role("button", name="New experiment").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Breaker drill")
    form.get_by_label("Parameters").fill("{broken")
    form.get_by_role("button", name="Create").click()
    expect(form.get_by_role("alert")).to_contain_text("not JSON")
    form.get_by_label("Parameters").fill('{"depth": 2}')
    form.get_by_role("button", name="Create").click()
    expect(form).to_have_count(0)
    expect(page.locator("#summary .experiment")).to_contain_text("Breaker drill")


def test_where_websockets_are_blocked_polling_carries_the_page(new_page, jupiter):
    page = new_page()
    page.route_web_socket("**/socket.io/**", lambda socket: socket.close())
    page.goto(jupiter.link)
    expect(page.locator(".masthead [data-part='connection']")).to_contain_text("Live", timeout=15_000)
    expect(page.locator("#status")).to_have_attribute("data-state", "live")
