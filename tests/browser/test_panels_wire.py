"""The live connection: cut, silent, behind, doubled. Nothing is lost, doubled, or shown as live when it is not."""

import itertools
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS, Refusal, Wire, all_well, pulse, source, status, threats, until
from tests.browser.toasts import hold
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser
PILL = ".masthead [data-part='connection']"


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("panels"), SETTINGS) as made:
        yield made


@pytest.fixture
def opened(new_page, jupiter):
    """Open the dashboard over a wire of the test."""

    def open_page(path="/", *, clock=False, **changed):
        page = new_page()
        if clock:
            page.clock.install()
        wire = Wire(page, all_well() | changed)
        page.goto(jupiter.link)
        if path != "/":
            page.goto(f"{jupiter.url}{path}")
        expect(page.locator(PILL)).to_contain_text("Live")
        forgive_sockets(page)
        return page, wire

    return open_page


def forgive_sockets(page):
    """A connection that the test breaks is no fault of the page: what Chromium logs about sockets is left out."""
    faults = page.faults

    def forgive(*_):
        faults[:] = [fault for fault in faults if "WebSocket" not in fault and "ERR_FAILED" not in fault]

    page.on("console", forgive)


NOTE_STATES = """() => {
  const panel = document.querySelector("#threats");
  window.seen = { [panel.dataset.state]: Date.now() };
  new MutationObserver(() => { window.seen[panel.dataset.state] ??= Date.now(); })
    .observe(panel, { attributes: true, attributeFilter: ["data-state"] });
}"""
NOTE_LOSS = """pill => {
  new MutationObserver(() => { if (pill.textContent.includes("Reconnecting")) window.lost ??= Date.now(); })
    .observe(pill, { childList: true, characterData: true, subtree: true });
}"""


def stop_the_clock(page, wire, ttl):
    """Let the page's time pass in `pass_time` only, however slow the machine is; return what time it is there.

    All that the page knows is of that moment, and the threats are good for `ttl` seconds.
    """
    synced = len(wire.sent("sync"))
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=60))
    until(page, lambda: len(wire.sent("sync")) > synced)  # after a silence as long as this jump the page asks
    now = page.evaluate("Date.now()")
    at = datetime.fromtimestamp(now / 1000, UTC).isoformat()
    for event, payload in (status(), threats(3, ttl=ttl, sources=[source("cisa_kev", "Of this moment")])):
        wire.send(event, {**payload, "as_of": at, "timestamp": at, "at": at})
    expect(page.locator("#threats [aria-label='Source']")).to_contain_text("Of this moment")  # drawn without a frame
    pass_time(page, 0.1)
    expect(page.locator("#threats .threat")).to_have_count(3)
    expect(page.locator("#threats")).to_have_attribute("data-state", "live")
    expect(page.locator(".masthead [data-part='health']")).to_contain_text("Healthy")
    return now


def pass_time(page, seconds):
    """Let the time of a stopped clock pass in small steps, between which the page does what is due."""
    for _ in range(int(seconds * 10)):
        page.clock.run_for(100)


def test_with_the_cable_pulled_live_turns_ageing_then_stale_within_a_second_of_its_end(opened):
    page, wire = opened(clock=True)
    now = stop_the_clock(page, wire, ttl=8)
    wire.silent = True
    page.evaluate(NOTE_STATES)
    pass_time(page, 9.9)
    seen, ends = page.evaluate("window.seen"), now + 8000
    assert seen["live"] < seen["ageing"] < ends
    assert ends < seen["stale"] < ends + 1200


def test_a_silent_peer_is_found_within_fifteen_seconds_and_health_is_no_longer_claimed(opened):
    page, wire = opened(clock=True)
    began = stop_the_clock(page, wire, ttl=600)
    wire.silent = wire.refusing = True
    page.locator(PILL).evaluate(NOTE_LOSS)
    pass_time(page, 16)
    assert page.evaluate("window.lost") - began < 15_000
    expect(page.locator(PILL)).to_contain_text("Reconnecting")
    expect(page.locator(".masthead [data-part='health']")).to_contain_text("Health unknown")
    expect(page.locator("#threats")).to_have_attribute("data-state", "ageing")
    wire.silent = wire.refusing = False
    page.clock.resume()
    page.locator(PILL).get_by_role("button").click()
    expect(page.locator(PILL)).to_contain_text("Live")
    expect(page.locator("#threats")).to_have_attribute("data-state", "live")


def test_after_half_a_minute_it_is_offline_and_says_when_it_tries_again(opened):
    page, wire = opened()
    page.clock.install()
    wire.refusing = True
    wire.cut()
    expect(page.locator(PILL)).to_contain_text("Reconnecting")
    page.clock.run_for(31_000)
    expect(page.locator(PILL)).to_contain_text("Offline")


def test_what_was_pushed_while_away_arrives_once_and_in_order(opened):
    page, wire = opened()
    ids = {"conversation_id": "c1", "message_id": "a1"}
    wire.answers["chat_message"] = lambda payload: ids
    page.get_by_label("Your question").fill("Why?")
    page.get_by_label("Your question").press("Enter")
    answer = page.locator("#chat .message--answer")
    expect(answer).to_have_count(1)
    for index, lost in enumerate([False, True, False, False, True, True, False]):
        wire.push("chat", "chat_delta", {**ids, "index": index, "delta": f"[{index}]"}, lost=lost, times=2)
        if index == 3:
            wire.cut()
            page.wait_for_timeout(50)
    expect(answer).to_have_text("Jupiter answered: [0][1][2][3][4][5][6]")


def test_a_server_that_was_restarted_is_followed(opened):
    page, wire = opened()
    expect(page.locator("#threats .threat")).to_have_count(2)
    wire._seq = dict.fromkeys(wire._seq, 5)
    wire._first = dict(wire._seq)
    wire.snapshots["threats"] = threats(4)
    wire.cut()
    expect(page.locator("#threats .threat")).to_have_count(4)
    wire.push("threats", *threats(5))
    expect(page.locator("#threats .threat")).to_have_count(5)


def test_a_gauge_that_was_pushed_before_the_sync_is_not_taken_back_by_it(opened):
    page, wire = opened()
    wire.push("threats", *threats(3))
    wire.push("threats", *threats(6))
    expect(page.locator("#threats .threat")).to_have_count(6)
    synced, asked = len(wire.sent("sync")), len(wire.sent("request_status"))
    wire.cut()
    until(page, lambda: len(wire.sent("sync")) > synced and len(wire.sent("request_status")) > asked)
    wire.push("status", *status(grok_chat={"reason": "drawn after the sync"}))
    expect(page.locator("#status")).to_contain_text("drawn after the sync")
    expect(page.locator("#threats .threat")).to_have_count(6)


def test_filters_are_the_address_and_are_asked_of_the_server(opened):
    page, wire = opened("/?severity=high&q=router+1&ransomware=1&window=7d", pulse=pulse(window="7d"))
    assert page.get_by_label("Severity").input_value() == "high"
    assert page.get_by_role("searchbox").input_value() == "router 1"
    until(page, lambda: wire.sent("request_threats") and wire.sent("request_pulse"))
    question = wire.sent("request_threats")[-1]
    assert question == {"limit": 50, "severity": "high", "search": "router 1", "ransomware": True}
    assert wire.sent("request_pulse")[-1] == {"window": "7d"}
    page.get_by_label("Severity").select_option("")
    page.get_by_label("Ransomware").uncheck()
    expect(page).to_have_url(re.compile(r"/\?q=router\+1&window=7d$"))
    page.go_back()
    expect(page.get_by_label("Ransomware")).to_be_checked()


def test_a_push_does_not_push_a_filtered_list_aside(opened):
    page, wire = opened("/?severity=high", threats=threats(1))
    expect(page.locator("#threats .threat")).to_have_count(1)
    until(page, lambda: wire.sent("request_threats"))  # the list may be drawn before the page's own question
    asked = len(wire.sent("request_threats"))
    wire.push("threats", *threats(9))
    until(page, lambda: len(wire.sent("request_threats")) > asked)
    expect(page.locator("#threats .threat")).to_have_count(1)
    assert len(wire.sent("request_threats")) == asked + 1


def test_more_rows_are_loaded_up_to_a_bound(opened):
    page, wire = opened(threats=threats(50, total=900, next_cursor="50"))
    numbers = iter(range(1, 20))

    def further(_):
        start = next(numbers) * 50
        _, payload = threats(50, total=900, next_cursor="x")
        for offset, row in enumerate(payload["threats"]):
            row["id"] = f"DEMO-2026-{start + offset + 1:04d}"
        wire.snapshots["threats"] = ("threats_update", payload)

    wire.answers["request_threats"] = further
    for count in range(100, 501, 50):
        page.get_by_role("button", name="Load more").click()
        expect(page.locator("#threats .threat")).to_have_count(count)
    expect(page.get_by_role("button", name="Load more")).to_have_count(0)
    expect(page.locator("#threats")).to_contain_text("Narrow the filters")


def test_the_keyboard_keeps_its_row_when_the_list_is_put_in_another_order(opened):
    page, wire = opened(threats=threats(6))
    row = page.locator("#threats .threat summary", has_text="Router 4")
    row.focus()
    event, payload = threats(6)
    wire.push("threats", event, {**payload, "threats": payload["threats"][::-1]})
    expect(page.locator("#threats .threat summary").first).to_contain_text("Router 6")
    expect(row).to_be_focused()
    wire.push("threats", *threats(2))
    expect(page.locator("#threats .threat")).to_have_count(2)
    expect(page.locator("#threats")).to_be_focused()


def test_a_login_that_has_ended_leads_to_the_sign_in_page(opened):
    page, wire = opened()

    def refuse(_):
        raise Refusal(error="Authentication failed", error_code="AUTH_FAILED", message="", error_id="x")

    wire.answers["request_status"] = refuse
    wire.cut()
    page.wait_for_url("**/login?next=%2F")


def test_memory_stays_flat_under_a_flood_of_pushes(opened):
    page, wire = opened()
    devtools = page.context.new_cdp_session(page)
    numbers, floods = itertools.count(), itertools.count()
    hold(page)

    def flood(rounds):
        for _ in range(rounds):
            event, payload = threats(50)
            for record in payload["threats"]:
                record["id"] = f"DEMO-{next(numbers)}"  # every row is another one
            wire.push("threats", event, payload)
            wire.push("status", *status())
            wire.push("notice", "notice", {"level": "info", "message": "Again"})
            for kept in wire.log.values():
                kept.clear()
        last = f"The end of flood {next(floods)}"
        wire.push("status", *status(grok_chat={"reason": last}))
        expect(page.locator("#status")).to_contain_text(last)
        page.wait_for_timeout(500)
        devtools.send("HeapProfiler.collectGarbage")
        used = devtools.send("Runtime.getHeapUsage")["usedSize"]
        return used, devtools.send("Memory.getDOMCounters")["nodes"]

    flood(100)
    heap, nodes = flood(50)
    later_heap, later_nodes = flood(500)
    assert later_heap < heap + 3_000_000
    assert later_nodes < nodes + 500
    expect(page.locator(".toast")).to_have_count(1)


def test_a_notice_is_shown_and_can_be_dismissed(opened):
    page, wire = opened()
    wire.push("notice", "notice", {"level": "warning", "message": "Chat is switched off: maintenance"})
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Chat is switched off: maintenance")
    toast.get_by_role("button", name="Dismiss").click()
    expect(toast).to_have_count(0)
