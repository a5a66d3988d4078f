"""What is refused, and who may see what."""

import uuid

import pytest

from backend.errors import NotFoundError, RateLimitedError, ValidationError
from backend.storage.conditions import MAX_IN
from tests.unit.dashboard.chat_world import ME, SOMEBODY, Model, World

NOBODYS = "99999999-0000-4000-8000-000000000000"


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, Model("Hello"))


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\x07", "x" * 4001, "x" * 1_000_000, None, 7, ["x"]])
def test_an_empty_or_too_long_message_is_refused_and_nothing_happens(world, text):
    with pytest.raises(ValidationError) as raised:
        world.chat.send(ME, text)
    assert "message" in raised.value.details
    assert world.tasks.waiting == []
    assert world.chat.conversations(ME)["conversations"] == []


def test_control_characters_go_and_lines_and_markup_stay(world):
    _, payload = world.ask("  a\x00b\r\n<script>x</script>\tc\ud800 ")
    assert world.chat.history(ME, payload["conversation_id"])["messages"][0]["content"] == "ab\n<script>x</script>\tc"


def test_four_thousand_characters_are_allowed(world):
    assert world.ask("x" * 4000)[0] == "chat_response"


@pytest.mark.parametrize("key", ["", "x" * 65, "with blank", "answer:m-1", "m\n"])
def test_a_client_id_of_another_form_is_refused(world, key):
    if key == "":
        assert world.chat.send(ME, "Hello?", None, key)  # none given: the server makes one
        return
    with pytest.raises(ValidationError):
        world.chat.send(ME, "Hello?", None, key)


def test_one_person_has_three_answers_at_a_time_and_others_are_not_held_up(world):
    for _ in range(3):
        world.chat.send(ME, "Hello?")
    with pytest.raises(RateLimitedError) as raised:
        world.chat.send(ME, "Hello?", None, "m-4")
    assert raised.value.retry_after
    world.chat.send(SOMEBODY, "Hello?")
    world.tasks.run()
    assert world.chat.send(ME, "Hello?", None, "m-4")


def test_a_message_that_could_not_be_accepted_takes_no_place(world):
    world.database.away = RuntimeError("bug")
    for number in range(5):
        world.database.behind = 1  # the look for an earlier message still works, writing does not
        with pytest.raises(RuntimeError):
            world.chat.send(ME, "Hello?", None, f"m-{number}")
    world.database.away = False
    assert world.chat.send(ME, "Hello?", None, "m-0")


@pytest.mark.parametrize(
    "act",
    [
        lambda chat, ids: chat.history(SOMEBODY, ids["conversation_id"]),
        lambda chat, ids: chat.send(SOMEBODY, "Hello?", ids["conversation_id"]),
        lambda chat, ids: chat.rename(SOMEBODY, ids["conversation_id"], "Mine"),
        lambda chat, ids: chat.delete(SOMEBODY, ids["conversation_id"]),
        lambda chat, ids: chat.export(SOMEBODY, ids["conversation_id"]),
        lambda chat, ids: chat.stop(SOMEBODY, ids["message_id"]),
        lambda chat, ids: chat.history(ME, NOBODYS),
        lambda chat, ids: chat.stop(ME, NOBODYS),
    ],
)
@pytest.mark.parametrize("under_way", [True, False])
def test_what_is_not_ones_own_does_not_exist(world, act, under_way):
    ids = world.chat.send(ME, "Hello?")
    if not under_way:
        world.tasks.run()
    with pytest.raises(NotFoundError):
        act(world.chat, ids)
    world.tasks.run()
    assert world.last_message(ids["conversation_id"])["content"] == "Hello"


def test_others_conversations_are_not_listed(world):
    world.ask()
    assert world.chat.conversations(SOMEBODY)["conversations"] == []
    assert world.chat.conversations(SOMEBODY, search="Hello")["conversations"] == []


def test_a_word_of_very_many_conversations_is_found_in_the_newest_of_them(world):
    made = [world.chat.create(ME, f"Number {number}") for number in range(MAX_IN + 10)]
    said = {"user_id": ME, "role": "user", "content": "the word", "status": "complete"}
    messages = [
        said | {"id": str(uuid.uuid4()), "conversation_id": row["id"], "created_at": row["created_at"]} for row in made
    ]
    assert world.database.execute_query("messages", "insert", data=messages)["success"]
    assert len(world.chat.conversations(ME, search="word", limit=100)["conversations"]) == 100
