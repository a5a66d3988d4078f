"""Listing, searching, renaming, exporting, deleting."""

import re

import pytest

from backend.errors import NotFoundError, ValidationError
from backend.schemas.chat import ConversationListSchema, ConversationSchema, HistorySchema
from tests.unit.dashboard.chat_world import ME, RECORDS, SOMEBODY, Model, World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, Model("Hello"))


def titles(world, **query):
    return [row["title"] for row in world.chat.conversations(ME, **query)["conversations"]]


def test_a_conversation_is_called_by_its_first_question_on_one_short_line(world):
    world.ask("What is\nnew?")
    world.ask("<script>alert(1)</script>")
    assert titles(world)[0] == "Conversation"
    world.ask("<b>Long</b> " + "word " * 40)
    assert titles(world)[2] == "What is new?"
    assert titles(world)[0].startswith("Long word")
    assert titles(world)[0].endswith("…")
    assert len(titles(world)[0]) <= 60


def test_the_one_used_last_comes_first(world):
    _, first = world.ask("One")
    world.ask("Two")
    assert titles(world) == ["Two", "One"]
    world.ask("More", first["conversation_id"])
    assert titles(world) == ["One", "Two"]


def test_pages_cover_all_of_them_once_even_where_their_times_are_equal(world):
    for number in range(7):
        if number == 4:
            world.clock.advance(1)
        world.chat.create(ME, f"Number {number}")
    seen, cursor = [], None
    while True:
        page = world.chat.conversations(ME, limit=2, cursor=cursor)
        seen += [row["title"] for row in page["conversations"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == [f"Number {number}" for number in range(7)]


@pytest.mark.parametrize("cursor", ["x", "####", "bnVsbA==", "WyJ4IiwgInkiXQ==", "e30="])
def test_a_cursor_that_is_none_of_ours_is_refused(world, cursor):
    with pytest.raises(ValidationError):
        world.chat.conversations(ME, cursor=cursor)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("acme", ["About Acme"]),
        ("HELLO", ["100% of it", "About Acme"]),
        ("100%", ["100% of it"]),
        ("0_0", []),
        ("1%o", []),
        ("\\", []),
        ("%", []),
        ("hello abo", []),
        ("abo ACM", ["About Acme"]),
        ("bout", []),
        ("nothing like it", []),
    ],
)
def test_titles_and_messages_are_searched_for_all_words_by_their_beginnings(world, search, found):
    world.ask("About Acme")
    world.ask("100% of it")
    world.chat.create(ME, "Empty")
    assert titles(world, search=search) == found


def test_a_search_shows_where_in_a_conversation_it_has_found_its_words(world):
    long = "First some words. " * 30 + "Then the injection of commands. " + "And more. " * 30
    world.llm.script = [long]
    world.ask("Tell me about it")
    (found,) = world.chat.conversations(ME, search="inject")["conversations"]
    assert (found["title"], found["match"]["role"]) == ("Tell me about it", "assistant")
    assert "Then the injection of commands." in found["match"]["excerpt"]
    assert found["match"]["excerpt"].startswith("…")
    assert len(found["match"]["excerpt"]) <= 162
    assert "match" not in world.chat.conversations(ME)["conversations"][0]
    assert world.chat.conversations(SOMEBODY, search="inject")["conversations"] == []
    assert ConversationListSchema().validate(world.chat.conversations(ME, search="inject")) == {}


def test_a_conversation_may_be_begun_empty_and_used_then(world):
    made = world.chat.create(ME, "Plans")
    _, payload = world.ask("One", made["id"])
    assert payload["conversation_id"] == made["id"]
    assert titles(world) == ["Plans"]


def test_a_new_title_survives_an_answer_that_is_being_written(world):
    def rename():
        world.chat.rename(ME, world.events[0][2]["conversation_id"], "Renamed")
        return "!"

    world.llm.script = ["Hello", rename]
    _, payload = world.ask("One")
    assert titles(world) == ["Renamed"]
    world.ask("Two", payload["conversation_id"])
    assert titles(world) == ["Renamed"]


def test_a_new_title_survives_a_question_that_is_sent_at_the_same_time(world):
    _, payload = world.ask("One")
    find = world.chat._conversations.find

    def slowly(*args):
        found = find(*args)
        world.another().rename(ME, payload["conversation_id"], "Renamed")
        return found

    world.chat._conversations.find = slowly
    world.chat.send(ME, "Two", payload["conversation_id"])
    assert world.another().conversations(ME)["conversations"][0]["title"] == "Renamed"


def test_a_deleted_conversation_is_gone_with_its_messages(world):
    _, payload = world.ask("One")
    world.chat.delete(ME, payload["conversation_id"])
    assert titles(world) == []
    with pytest.raises(NotFoundError):
        world.chat.history(ME, payload["conversation_id"])
    assert world.database.execute_query("messages", "count")["count"] == 0


def test_deleting_stops_the_answer_that_is_being_written(world):
    def delete():
        world.chat.delete(ME, world.events[0][2]["conversation_id"])
        return "never"

    world.llm.script = ["Hel", delete]
    event, payload = world.ask("One")
    assert (event, payload["stopped"]) == ("chat_response", True)
    assert world.database.execute_query("messages", "count")["count"] == 0


def test_an_answer_to_a_conversation_deleted_elsewhere_is_told_and_not_kept(world, caplog):
    def delete():
        world.another().delete(ME, world.events[0][2]["conversation_id"])
        return "lo"

    world.llm.script = ["Hel", delete]
    _, payload = world.ask("One")
    assert payload["response"] == "Hello"
    assert "not kept" in caplog.text
    assert world.database.execute_query("messages", "count")["count"] == 0


def test_a_long_conversation_shows_its_newest_messages_and_says_that_there_are_more(world):
    _, payload = world.ask("Number 0")
    for number in range(1, 105):
        world.ask(f"Number {number}", payload["conversation_id"])
    history = world.chat.history(ME, payload["conversation_id"])
    assert len(history["messages"]) == 200
    assert history["messages"][0]["content"] == "Number 5"
    assert history["complete"] is False


def test_answers_have_the_shapes_that_are_documented(world):
    _, payload = world.ask("One")
    assert HistorySchema().validate(world.chat.history(ME, payload["conversation_id"])) == {}
    assert ConversationListSchema().validate(world.chat.conversations(ME)) == {}
    assert ConversationSchema().validate(world.chat.create(ME)) == {}


def test_a_conversation_is_exported_as_markdown_with_sources_and_endings(tmp_path):
    world = World(tmp_path, Model("See CVE-2026-0001."))
    _, payload = world.ask("What is urgent?")
    world.llm.script = [lambda: world.chat.stop(ME, world.events[-1][2]["message_id"]) and ""]
    world.ask("And then?", payload["conversation_id"])
    text = world.chat.export(ME, payload["conversation_id"])
    assert text.startswith("# What is urgent?\n")
    assert "## You, 2026-01-01T00:00:01" in text
    assert "See CVE-2026-0001." in text
    assert (
        "- CVE-2026-0001: Acme Gateway injection <https://nvd.nist.gov/vuln/detail/CVE-2026-0001> (as of 2026" in text
    )
    assert "(stopped)\n\n(nothing)\n" in text


def test_a_long_conversation_is_exported_whole(world):
    _, payload = world.ask("Number 0")
    for number in range(1, 105):
        world.ask(f"Number {number}", payload["conversation_id"])
    text = world.chat.export(ME, payload["conversation_id"])
    assert [f"Number {number}\n" in text for number in (0, 1, 104)] == [True] * 3
    assert "left out" not in text


def test_an_export_of_a_conversation_longer_than_any_says_what_is_left_out(world, monkeypatch):
    monkeypatch.setattr("backend.dashboard.chat.service.MAX_EXPORTED", 4)
    _, payload = world.ask("Number 0")
    for number in range(1, 3):
        world.ask(f"Number {number}", payload["conversation_id"])
    text = world.chat.export(ME, payload["conversation_id"])
    assert "Older messages are left out" in text
    assert "Number 1\n" in text
    assert "Number 0\n" not in text.partition("\n")[2]


def test_titles_of_a_conversation_and_of_its_sources_are_plain_text_in_an_export(tmp_path):
    hostile = {
        **RECORDS[0],
        "title": "![x](https://evil.example/a.png) [click](https://evil.example) `code` # head",
        "references": ["https://evil.example/> ![x](https://evil.example/b.png)"],
        "id": "DEMO-2026-0009",
    }
    world = World(tmp_path, Model("See DEMO-2026-0009."), threats_find=lambda **_: [hostile])
    _, payload = world.ask("![x](https://evil.example/c.png) and [this](https://evil.example)?")
    text = world.chat.export(ME, payload["conversation_id"])
    heading, _, rest = text.partition("\n")
    listed = rest[rest.index("Sources:") :]
    for part in (heading, listed):
        assert not re.search(r"(?<!\\)\[[^\]\\]*(?<!\\)\]\(", part)
        assert "b.png" not in part
