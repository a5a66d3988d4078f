"""The chat while the database is away."""

import pytest

from backend.dashboard.conversations.memory import ConversationMemory
from backend.errors import DatabaseError
from tests.unit.dashboard.chat_world import ME, SOMEBODY, Model, World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, Model("Hello"))


def contents(world, conversation_id):
    return [message["content"] for message in world.chat.history(ME, conversation_id)["messages"]]


def test_the_chat_goes_on_and_says_that_nothing_is_saved(world):
    world.database.away = True
    event, payload = world.ask("One")
    assert (event, payload["response"]) == ("chat_response", "Hello")
    assert "not being saved" in payload["notice"]
    history = world.chat.history(ME, payload["conversation_id"])
    assert [message["content"] for message in history["messages"]] == ["One", "Hello"]
    assert "not being saved" in history["notice"]
    assert history["conversation"]["saved"] is False
    listed = world.chat.conversations(ME)
    assert [row["title"] for row in listed["conversations"]] == ["One"]
    assert "not being saved" in listed["notice"]


def test_a_conversation_goes_on_with_its_history_when_the_database_leaves(world):
    _, payload = world.ask("One")
    world.database.away = True
    _, second = world.ask("Two", payload["conversation_id"])
    assert second["conversation_id"] == payload["conversation_id"]
    assert [message["content"] for message in world.llm.asked[-1][1:-1]] == ["One", "Hello"]
    assert contents(world, payload["conversation_id"]) == ["One", "Hello", "Two", "Hello"]


@pytest.mark.parametrize("occasion", ["send", "history", "conversations", "flush", "close"])
def test_what_could_not_be_saved_is_saved_when_the_database_is_back(world, occasion):
    world.database.away = True
    _, payload = world.ask("One")
    world.database.away = False
    occasions = {
        "send": lambda: world.ask("Two", payload["conversation_id"]),
        "history": lambda: world.chat.history(ME, payload["conversation_id"]),
        "conversations": lambda: world.chat.conversations(ME),
        "flush": world.chat.flush,
        "close": world.chat.close,
    }
    occasions[occasion]()
    stored = world.another().history(ME, payload["conversation_id"])
    assert [message["content"] for message in stored["messages"]][:2] == ["One", "Hello"]
    assert stored["conversation"]["saved"] is True
    assert "notice" not in stored
    assert world.chat.flush() == 0


def test_a_database_that_comes_back_during_the_answer_gets_the_question_too(world):
    def back():
        world.database.away = False
        return "lo"

    world.database.away = True
    world.llm.script = ["Hel", back]
    _, payload = world.ask("One")
    assert "notice" not in payload
    stored = world.another().history(ME, payload["conversation_id"])
    assert [message["content"] for message in stored["messages"]] == ["One", "Hello"]


def test_a_database_that_leaves_during_the_answer_is_told_with_it(world):
    def gone():
        world.database.away = True
        return "lo"

    world.llm.script = ["Hel", gone]
    _, payload = world.ask("One")
    assert "not being saved" in payload["notice"]
    world.database.away = False
    assert contents(world, payload["conversation_id"]) == ["One", "Hello"]


def test_a_new_title_given_meanwhile_is_kept_and_saved(world):
    def rename():
        world.chat.rename(ME, world.events[0][2]["conversation_id"], "Renamed")
        return "lo"

    world.database.away = True
    world.llm.script = ["Hel", rename]
    _, payload = world.ask("One")
    assert world.chat.history(ME, payload["conversation_id"])["conversation"]["title"] == "Renamed"
    world.database.away = False
    assert world.chat.flush() == 0
    assert world.another().history(ME, payload["conversation_id"])["conversation"]["title"] == "Renamed"


def test_what_a_client_sends_again_meanwhile_is_still_asked_once(world):
    world.database.away = True
    first = world.chat.send(ME, "One", None, "m-1")
    assert world.chat.send(ME, "One", None, "m-1") == first


def test_where_a_conversation_cannot_be_looked_up_a_new_one_begins(world):
    _, payload = world.ask("One")
    world.chat = world.another()  # whose memory is empty
    world.database.away = True
    _, second = world.ask("Two", payload["conversation_id"])
    assert second["conversation_id"] != payload["conversation_id"]


def test_others_conversations_stay_out_of_sight(world):
    world.database.away = True
    _, payload = world.ask("One")
    with pytest.raises(DatabaseError):
        world.chat.history(SOMEBODY, payload["conversation_id"])
    with pytest.raises(DatabaseError):
        world.chat.conversations(SOMEBODY)


def test_deleting_waits_for_the_database(world):
    _, payload = world.ask("One")
    world.database.away = True
    with pytest.raises(DatabaseError):
        world.chat.delete(ME, payload["conversation_id"])
    world.database.away = False
    assert contents(world, payload["conversation_id"]) == ["One", "Hello"]


def row(number, conversation="c"):
    return {"id": f"{conversation}-m{number}", "created_at": f"{number:03}", "content": ""}


def test_memory_is_bounded_and_gives_up_what_is_saved_first(caplog):
    memory = ConversationMemory(max_conversations=2, max_messages=3)
    memory.keep({"id": "a", "user_id": ME}, unsaved=["a"])
    memory.keep({"id": "b", "user_id": ME})
    memory.keep({"id": "c", "user_id": ME}, [row(n) for n in range(5)])
    assert memory.get(ME, "b") is None
    assert memory.get(ME, "a") is not None
    assert [one["id"] for one in memory.get(ME, "c").ordered()] == ["c-m2", "c-m3", "c-m4"]
    assert caplog.text == ""


def test_what_has_to_be_dropped_unsaved_is_not_dropped_silently(caplog):
    memory = ConversationMemory(max_conversations=1, max_messages=1)
    memory.keep({"id": "a", "user_id": ME}, [row(1), row(2)], unsaved=["a-m1"])
    assert "A chat message could not be saved" not in caplog.text
    memory.keep({"id": "b", "user_id": ME}, [row(1, "b")], unsaved=["b"])
    memory.keep({"id": "c", "user_id": ME}, unsaved=["c"])
    assert "A conversation could not be saved" in caplog.text
