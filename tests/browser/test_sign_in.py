"""Signing in by name and password, one's own account, and accounts in the console, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS
from tests.browser.toasts import hold
from tests.integration.test_accounts import GENEROUS, command
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser

GOOD, BETTER = "correct horse battery", "an even better password"


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("sign_in"), {**SETTINGS, **GENEROUS}) as made:
        command(made, "add", "ann", "--role", "analyst", password=GOOD)
        yield made


def sign_in(page, jupiter, name="ann", password=GOOD, path=""):
    page.goto(f"{jupiter.url}/login{path}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


@pytest.fixture
def console(new_page, jupiter):
    def open_console(width=1440, height=900, **options):
        page = new_page(width, height, **options)
        page.goto(jupiter.link)
        page.goto(f"{jupiter.url}/admin")
        expect(page.locator("#accounts .account").first).to_be_visible()
        return page

    return open_console


def test_one_comes_in_by_keyboard_alone_to_where_one_wanted(new_page, jupiter):
    page = new_page()
    page.goto(f"{jupiter.url}/?severity=high")
    page.wait_for_url(re.compile(r"/login\?next="))
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{jupiter.url}/?severity=high")
    expect(page.locator(".masthead__who")).to_contain_text("ann")
    expect(page.locator(".masthead [data-part='connection']")).to_contain_text("Live", timeout=15_000)


def test_a_wrong_password_is_told_and_the_name_stays(new_page, jupiter):
    page = new_page()
    sign_in(page, jupiter, password="wrong password")
    expect(page.get_by_role("alert")).to_have_text("Name or password is not right.")
    expect(page.get_by_label("Name")).to_have_value("ann")
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    page.faults.clear()  # the 401 is the point


def test_the_token_still_signs_in_beside_it(new_page, jupiter):
    page = new_page()
    page.goto(f"{jupiter.url}/login")
    page.get_by_text("Sign in with a token").click()
    page.get_by_label("Token").fill(jupiter.token)
    page.get_by_role("button", name="Sign in with the token").click()
    page.wait_for_url(f"{jupiter.url}/")
    expect(page.locator(".masthead__who")).to_contain_text("admin")


def test_it_works_without_scripts(new_page, jupiter):
    page = new_page(java_script_enabled=False)
    sign_in(page, jupiter)
    expect(page.locator(".masthead__who")).to_contain_text("ann")
    page.locator(".masthead__name").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


@pytest.mark.parametrize("path", ["/login", "/account", "/admin"])
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_scrolls_sideways(new_page, jupiter, path, width):
    page = new_page(width)
    page.goto(f"{jupiter.url}/login" if path == "/login" else jupiter.link)
    page.goto(f"{jupiter.url}{path}")
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_of_somebody_who_is_disabled_ends_at_the_sign_in_page(new_page, jupiter):
    command(jupiter, "add", "eve", password=GOOD)
    page = new_page()
    sign_in(page, jupiter, name="eve")
    expect(page.locator(".masthead [data-part='connection']")).to_contain_text("Live", timeout=15_000)
    command(jupiter, "disable", "eve")
    page.wait_for_url(re.compile(r"/login\?next="), timeout=10_000)
    page.faults.clear()  # requests that were refused


def test_ones_own_password_is_changed_on_the_page(new_page, jupiter):
    command(jupiter, "add", "bob", password=GOOD)
    page = new_page()
    sign_in(page, jupiter, name="bob")
    page.locator(".masthead__name").click()
    for label, value in (("Present password", "wrong password"), ("characters", BETTER), ("again", BETTER)):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("present password is not right")
    page.faults.clear()
    for label, value in (("Present password", GOOD), ("characters", BETTER), ("again", BETTER)):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("is changed")
    page.goto(jupiter.url)
    expect(page.locator(".masthead__who")).to_contain_text("bob")


def test_an_administrator_adds_changes_and_disables_an_account_and_sees_it_noted(console):
    page = console()
    page.locator("#accounts").get_by_role("button", name="Add account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("not a name")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("characters")
    dialog.get_by_label("Name").fill("Carol")
    dialog.get_by_label("Role").select_option("analyst")
    dialog.get_by_role("button", name="Add", exact=True).click()
    shown = page.get_by_role("dialog", name="Password for carol")
    assert re.fullmatch(r"[\w-]{20,}", shown.get_by_label("Password").input_value())
    shown.get_by_role("button", name="Done").click()
    row = page.locator(".account", has_text="carol")
    expect(row).to_contain_text("never signed in")
    row.get_by_label("Role of carol").select_option("viewer")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(row.get_by_label("Role of carol")).to_have_value("analyst")
    row.get_by_label("Role of carol").select_option("viewer")
    hold(page)
    page.get_by_role("dialog").get_by_role("button", name="Change role").click()
    expect(page.locator(".toast", has_text="carol is viewer now")).to_be_visible()
    row.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled")
    row.get_by_role("button", name="Enable").click()
    expect(row).to_contain_text("Active")
    noted = page.locator("#audit .act", has_text="carol")
    expect(noted.filter(has_text="enable account")).to_have_count(1)
    expect(noted.filter(has_text="add account")).to_have_count(1)


def test_a_name_that_is_taken_is_told_in_the_form(console):
    page = console()
    page.locator("#accounts").get_by_role("button", name="Add account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("ann")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("of that name already")
    dialog.get_by_role("button", name="Cancel").click()
    page.faults.clear()  # the 409 is the point


def test_pictures_for_judging(new_page, jupiter, console, screenshots):
    """Light, dark and a phone; set JUPITER_SCREENSHOTS to keep them."""
    for name, options in (("light", {}), ("dark", {"dark": True}), ("phone", {"width": 390, "height": 844})):
        page = new_page(**options)
        page.goto(f"{jupiter.url}/login")
        page.screenshot(path=screenshots / f"sign-in-{name}.png")
        page = console(**options)
        page.locator("#accounts").scroll_into_view_if_needed()
        page.wait_for_timeout(500)
        page.locator("#accounts").screenshot(path=screenshots / f"accounts-{name}.png")
        page.locator("#audit").screenshot(path=screenshots / f"audit-{name}.png")
    page = new_page()
    sign_in(page, jupiter, password="wrong password")
    expect(page.get_by_role("alert")).to_be_visible()
    page.screenshot(path=screenshots / "sign-in-wrong.png")
    page.faults.clear()
    sign_in(page, jupiter)
    expect(page.locator(".masthead__who")).to_contain_text("ann")
    page.goto(f"{jupiter.url}/account")
    page.screenshot(path=screenshots / "account.png")
