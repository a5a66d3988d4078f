"""The chat: what a person sees while an answer comes, stops, fails, or tries to do harm."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.panels_wire import SETTINGS, Refusal, Wire, all_well, iso, until
from tests.support.server import Jupiter

pytestmark = pytest.mark.browser
IDS = {"conversation_id": "11111111-1111-4111-8111-111111111111", "message_id": "22222222-2222-4222-8222-222222222222"}
FEATURE = {"enabled": True, "circuit_breaker": "closed", "failures": 0}


@pytest.fixture(scope="module")
def jupiter(tmp_path_factory):
    with Jupiter(tmp_path_factory.mktemp("panels"), SETTINGS) as made:
        yield made


@pytest.fixture
def opened(new_page, jupiter):
    """Open the dashboard with a chat that accepts everything."""

    def open_page(height=900, **options):
        page = new_page(1440, height, **options)
        wire = Wire(page, all_well())
        wire.answers["chat_message"] = lambda _: IDS
        page.goto(jupiter.link)
        expect(page.locator("#chat")).to_have_attribute("data-state", "empty")
        return page, wire

    return open_page


def _ask(page, wire, text="Why?"):
    """Ask, and wait until it is acknowledged: what is told of a conversation before that is nobody's."""
    asked = len(wire.sent("chat_message"))
    page.get_by_label("Your question").fill(text)
    page.get_by_label("Your question").press("Enter")
    until(page, lambda: len(wire.sent("chat_message")) > asked)


def _delta(wire, index, text):
    wire.push("chat", "chat_delta", {**IDS, "index": index, "delta": text})


def _respond(wire, text, **more):
    about = {"is_error": False, "degraded": False, "sources": [], "feature_status": FEATURE, "timestamp": iso()}
    wire.push("chat", "chat_response", {**IDS, **about, "response": text, "provider": "x", "model": "y", **more})


def test_an_answer_thinks_streams_and_ends_with_its_sources(opened):
    page, wire = opened()
    _ask(page, wire)
    expect(page.locator("#chat .thinking")).to_be_visible()
    for index, word in enumerate(("One ", "**two** ", "three")):
        _delta(wire, index, word)
    answer = page.locator("#chat .message--answer")
    expect(answer).to_contain_text("One two three")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    record = {"id": "DEMO-2026-0001", "title": "A flaw", "url": "https://example.com/1", "as_of": iso(-180)}
    _respond(wire, "One **two** three.", sources=[record])
    expect(answer).to_have_attribute("data-status", "complete")
    link = answer.get_by_role("link", name="DEMO-2026-0001 A flaw")
    assert link.get_attribute("href") == "https://example.com/1"
    expect(answer).to_contain_text("3 min ago")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert page.url.endswith(f"conversation={IDS['conversation_id']}")


def test_hostile_output_does_nothing(opened):
    page, wire = opened()
    page.evaluate("() => { window.harm = 0 }")
    _ask(page, wire)
    hostile = """
<img src=x onerror="window.harm=1"><script>window.harm=1</script>
<svg onload="window.harm=1"><style>body{display:none}</style></svg>
[click](javascript:window.harm=1) [data](data:text/html,<script>window.harm=1</script>)
![track](https://evil.example/p.png) <a href="https://evil.example" style="position:fixed;inset:0">x</a>
<form action="https://evil.example"><input name=token></form> <iframe src="https://evil.example"></iframe>

| a | b |
|---|---|
| <b onmouseover=alert(1)>x</b> | `<script>` |

[good](https://example.com/advisory)
"""
    _respond(wire, hostile)
    answer = page.locator("#chat .message--answer")
    expect(answer).to_contain_text("<script>window.harm=1</script>")
    assert answer.locator("img, script, svg, style, iframe, form, input, [style], [onmouseover]").count() == 0
    links = answer.locator("a").evaluate_all("all => all.map(a => [a.getAttribute('href'), a.rel, a.target])")
    assert links == [["https://example.com/advisory", "noopener noreferrer nofollow", "_blank"]]
    assert page.evaluate("window.harm") == 0


def test_a_refused_question_goes_back_to_the_writer_with_the_reason(opened):
    page, wire = opened()

    def refuse(_):
        raise Refusal(
            error="Too many requests", error_code="RATE_LIMITED", error_id="e9", message="Wait.", retry_after=5
        )

    wire.answers["chat_message"] = refuse
    _ask(page, wire, "A long thought")
    expect(page.get_by_label("Your question")).to_have_value("A long thought")
    expect(page.locator("#chat .chat__writer")).to_contain_text("Too many requests")
    expect(page.locator("#chat .message")).to_have_count(0)


def test_what_is_being_written_outlives_a_reload(opened):
    page, _ = opened()
    page.get_by_label("Your question").fill("Half a thought")
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("Half a thought")


def test_a_failed_answer_keeps_what_was_said_and_can_be_asked_again(opened):
    page, wire = opened()
    _ask(page, wire)
    _delta(wire, 0, "Half an")
    told = {"error": "The model broke off", "type": "UPSTREAM_ERROR", "timestamp": iso(), "recoverable": True}
    wire.push("chat", "chat_error", {**IDS, **told, "suggestion": "Ask again", "partial_text": "Half an answer"})
    answer = page.locator("#chat .message--answer").first
    expect(answer).to_contain_text("Half an answer")
    expect(answer).to_contain_text("The model broke off")
    again = {**IDS, "message_id": "33333333-3333-4333-8333-333333333333"}
    wire.answers["chat_retry"] = lambda _: again
    answer.get_by_role("button", name="Retry").click()
    expect(page.locator("#chat .message--answer")).to_have_count(2)
    wire.push("chat", "chat_delta", {**again, "index": 0, "delta": "A whole answer"})
    expect(page.locator("#chat .message--answer").last).to_contain_text("A whole answer")
    expect(page.locator("#chat .message--user")).to_have_count(1)
    assert wire.sent("chat_retry") == [{"message_id": IDS["message_id"]}]
    assert len(wire.sent("chat_message")) == 1


def test_stop_is_sent_and_the_part_so_far_stays(opened):
    page, wire = opened()
    _ask(page, wire)
    _delta(wire, 0, "A part")
    page.get_by_role("button", name="Stop").click()
    until(page, lambda: wire.sent("chat_stop"))
    assert wire.sent("chat_stop") == [{"message_id": IDS["message_id"]}]
    _respond(wire, "A part", stopped=True)
    expect(page.locator("#chat .message--answer")).to_contain_text("Stopped.")


def test_an_answer_without_the_model_says_so_and_why(opened):
    page, wire = opened()
    _ask(page, wire)
    reason = {"type": "NOT_CONFIGURED", "message": "No language model is set up.", "suggestion": "Set a key."}
    _respond(wire, "From local data.", degraded=True, reason=reason)
    answer = page.locator("#chat .message--answer")
    for words in ("Degraded", "without the model", "No language model is set up. Set a key."):
        expect(answer).to_contain_text(words)


def test_a_page_loaded_in_the_middle_of_an_answer_goes_on_with_it(opened):
    page, wire = opened()
    _ask(page, wire)
    _delta(wire, 0, "One ")
    expect(page.locator("#chat .message--answer")).to_contain_text("One")
    row = {"created_at": iso(), "sources": []}
    rows = [
        {**row, "id": "q1", "role": "user", "content": "Why?", "status": "complete"},
        {
            **row,
            "id": IDS["message_id"],
            "role": "assistant",
            "content": "One ",
            "status": "streaming",
            "last_index": 0,
        },
    ]
    wire.answers["chat_history"] = lambda _: {"messages": rows, "complete": True}
    page.reload()
    expect(page.locator("#chat .message--answer")).to_contain_text("One")
    _delta(wire, 1, "two")
    expect(page.locator("#chat .message--answer")).to_contain_text("One two")
    expect(page.locator("#chat .message--user")).to_have_count(1)


def test_the_reader_who_has_scrolled_up_is_never_moved(opened):
    page, wire = opened(height=640)
    _ask(page, wire)
    _delta(wire, 0, "\n\n".join(f"Paragraph {n}" for n in range(40)))
    scroll = page.locator("#chat .chat__scroll")
    expect(page.get_by_text("Paragraph 39")).to_be_in_viewport()
    scroll.evaluate("box => { box.scrollTop = 100 }")
    for index in range(1, 8):
        _delta(wire, index, f"\n\nLater {index}")
        page.wait_for_timeout(30)
    below = page.get_by_role("button", name="New text below")
    expect(page.locator("#chat .message--answer")).to_contain_text("Later 7")
    expect(below).to_be_visible()
    assert scroll.evaluate("box => box.scrollTop") == 100
    below.click()
    expect(page.get_by_text("Later 7")).to_be_in_viewport()
    expect(below).to_be_hidden()
    _delta(wire, 8, "\n\nAt the end")
    expect(page.get_by_text("At the end")).to_be_in_viewport()


def test_a_reader_who_goes_up_a_little_is_not_pulled_back_while_text_flows(opened):
    page, wire = opened(height=640)
    _ask(page, wire)
    _delta(wire, 0, "\n\n".join(f"Paragraph {n}" for n in range(40)))
    scroll = page.locator("#chat .chat__scroll")
    expect(page.get_by_text("Paragraph 39")).to_be_in_viewport()
    before = scroll.evaluate("box => box.scrollTop")
    scroll.hover()
    for index in range(1, 11):
        page.mouse.wheel(0, -6)
        up = before - 6 * index
        until(page, lambda up=up: scroll.evaluate("box => box.scrollTop") <= up)  # a wheel is not waited for
        _delta(wire, index, f" and {index}")
        page.wait_for_timeout(40)
    expect(page.locator("#chat .message--answer")).to_contain_text("and 10")
    assert scroll.evaluate("box => box.scrollTop") <= before - 50
    expect(page.get_by_role("button", name="New text below")).to_be_visible()


def test_text_that_overflows_the_parser_is_shown_as_it_is_and_the_chat_goes_on(opened):
    page, wire = opened()
    _ask(page, wire)
    _respond(wire, f"{'>' * 6000} at the bottom")
    expect(page.locator("#chat .message--answer")).to_contain_text("at the bottom")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.get_by_label("Your question").fill("And now?")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()


def test_a_question_can_be_asked_where_the_browser_offers_less_as_on_plain_http(new_page, jupiter):
    page = new_page()
    page.add_init_script("delete Crypto.prototype.randomUUID")
    wire = Wire(page, all_well())
    wire.answers["chat_message"] = lambda _: IDS
    page.goto(jupiter.link)
    expect(page.locator("#chat")).to_have_attribute("data-state", "empty")
    _ask(page, wire)
    expect(page.locator("#chat .thinking")).to_be_visible()
    assert len(wire.sent("chat_message")[0]["client_message_id"]) == 32


def test_a_selection_survives_while_the_answer_grows(opened):
    page, wire = opened()
    _ask(page, wire)
    _delta(wire, 0, "Choose me.\n\nMore")
    paragraph = page.locator("#chat .prose__block").first
    expect(paragraph).to_have_text("Choose me.")
    paragraph.evaluate("block => getSelection().selectAllChildren(block)")
    for index in range(1, 6):
        _delta(wire, index, f" and {index}")
    expect(page.locator("#chat .message--answer")).to_contain_text("and 5")
    assert page.evaluate("getSelection().toString()").strip() == "Choose me."


def test_a_viewer_may_read_but_not_ask(new_page, jupiter):
    page = new_page()
    Wire(page, all_well())
    page.goto(f"{jupiter.url}/login?token={jupiter.token_for('vera', 'viewer')}")
    expect(page.locator("#chat")).to_contain_text("Your role allows reading only")
    expect(page.locator("#chat textarea")).to_have_count(0)
    expect(page.get_by_role("button", name="New experiment")).to_have_count(0)


def test_ids_that_no_record_has_are_marked_in_the_text_and_named_below_it(opened):
    page, wire = opened()
    _ask(page, wire)
    _respond(wire, "See **CVE-2026-7777**, cve-2026-7777 and CVE-2026-77771.", unknown_ids=["CVE-2026-7777"])
    marks = page.locator("#chat .prose mark")
    expect(marks).to_have_count(2)
    assert marks.all_inner_texts() == ["CVE-2026-7777", "cve-2026-7777"]
    expect(page.locator("#chat .message--answer")).to_contain_text("Not in any source")


def test_another_model_can_be_chosen_and_stays_chosen(opened):
    page, wire = opened()
    listed = {"provider": "grok", "configured": True, "default": "grok-a", "models": ["grok-a", "grok-b"]}
    page.route("**/api/chat/models", lambda route: route.fulfill(json={**listed, "as_of": iso(-60), "stale": False}))
    page.reload()
    choice = page.get_by_label("Model")
    expect(choice).to_have_value("grok-a")
    choice.select_option("grok-b")
    _ask(page, wire)
    assert wire.sent("chat_message")[-1]["model"] == "grok-b"
    page.reload()
    expect(page.get_by_label("Model")).to_have_value("grok-b")


def test_conversations_are_searched_while_one_types_and_show_where_they_were_found(opened):
    page, _ = opened()
    asked = []
    row = {"id": IDS["conversation_id"], "title": "About Acme", "created_at": iso(), "updated_at": iso(), "saved": True}

    def conversations(route):
        asked.append(route.request.url.partition("?")[2])
        match = {"message_id": "m", "role": "user", "excerpt": "…<b>the</b> injection of"}
        found = [{**row, "match": match}] if "search=inject" in route.request.url else [row]
        route.fulfill(json={"conversations": [] if "search=none" in route.request.url else found, "next_cursor": None})

    page.route("**/api/conversations*", conversations)
    page.get_by_role("button", name="History").click()
    search = page.get_by_label("Search conversations")
    expect(search).to_be_focused()
    expect(page.locator("#chat .conversation")).to_have_count(1)
    page.clock.install()
    page.clock.pause_at(time.time() + 60)  # the pause after a letter lasts until it is let pass
    search.press_sequentially("inject")
    assert asked == [""]
    page.clock.run_for(250)
    expect(page.locator("#chat .conversation__match")).to_have_text("…<b>the</b> injection of")
    assert asked == ["", "search=inject"]
    search.fill("none")
    page.clock.run_for(250)
    expect(page.locator("#chat .chat__list")).to_contain_text("Nothing found")


def test_a_space_between_two_words_of_a_search_is_not_taken_away_by_an_answer(opened):
    page, _ = opened()
    asked = []

    def conversations(route):
        asked.append(route.request.url.partition("?")[2])
        route.fulfill(json={"conversations": [], "next_cursor": None})

    page.route("**/api/conversations*", conversations)
    page.get_by_role("button", name="History").click()
    search = page.get_by_label("Search conversations")
    expect(search).to_be_focused()
    search.press_sequentially("acme ")
    expect(page.locator("#chat .chat__list")).to_contain_text("the words of “acme”")
    assert asked[-1] == "search=acme"
    search.press_sequentially("vpn")
    expect(search).to_have_value("acme vpn")
    expect(page.locator("#chat .chat__list")).to_contain_text("the words of “acme vpn”")


def test_conversations_that_cannot_be_read_are_told_and_tried_again(opened):
    page, _ = opened()
    page.route("**/api/conversations*", lambda route: route.fulfill(status=503, json={"error": "Data away"}))
    page.get_by_role("button", name="History").click()
    listed = page.locator("#chat .chat__list")
    expect(listed).to_contain_text("Not loaded")
    page.unroute("**/api/conversations*")
    listed.get_by_role("button", name="Try again").click()
    expect(listed).to_contain_text("No conversations yet")
    page.faults.clear()  # the browser logs the refusal, which was provoked
