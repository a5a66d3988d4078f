"""Stopping, resuming, restarting."""

import pytest

from backend.dashboard.chat.live_answers import LiveAnswer
from backend.errors import NetworkError
from backend.schemas.chat import ChatErrorSchema, ChatResponseSchema
from tests.unit.dashboard.chat_world import ME, Model, World


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def with_script(world, *script):
    world.llm = Model(*script)
    world.chat = world.another()


def test_a_stopped_answer_keeps_what_was_said_and_nothing_follows(world):
    def stop():
        told.append(world.chat.stop(ME, world.events[0][2]["message_id"]))
        return "lo"

    told = []
    with_script(world, "Hel", stop, "never", "ever")
    event, payload = world.ask()
    assert told == [{"message_id": payload["message_id"], "stopped": True}]
    assert (event, payload["response"], payload["stopped"]) == ("chat_response", "Hel", True)
    assert ChatResponseSchema().validate(payload) == {}
    assert len(world.named("chat_response")) == 1
    assert (world.llm.given, world.llm.closed) == (2, 1)
    message = world.last_message(payload["conversation_id"])
    assert (message["content"], message["status"]) == ("Hel", "stopped")


def test_a_piece_that_comes_after_the_end_is_not_taken():
    answer = LiveAnswer({}, {}, {"user_id": ME, "id": "a", "conversation_id": "c"})
    assert answer.add("Hel") == 0
    assert answer.claim("stopped")
    assert not answer.claim("complete")
    assert answer.add("lo") is None
    assert answer.progress() == ("Hel", 0, "stopped")


def test_an_answer_may_be_stopped_before_it_has_begun(world):
    ids = world.chat.send(ME, "Hello?")
    world.chat.stop(ME, ids["message_id"])
    assert world.tasks.killed == 1
    assert world.last_message(ids["conversation_id"])["status"] == "stopped"


def test_stopping_makes_room_for_another_answer(world):
    ids = [world.chat.send(ME, "Hello?") for _ in range(3)]
    world.chat.stop(ME, ids[0]["message_id"])
    assert world.chat.send(ME, "Hello?")


def test_an_answer_that_has_ended_stays_as_it_is(world):
    _, payload = world.ask()
    assert world.chat.stop(ME, payload["message_id"]) == {"message_id": payload["message_id"], "stopped": False}
    assert len(world.named("chat_response")) == 1


def test_a_failure_that_comes_after_the_stop_is_not_told(world):
    def stop():
        world.chat.stop(ME, world.events[0][2]["message_id"])
        raise TimeoutError("late")

    with_script(world, "Hel", stop)
    event, payload = world.ask()
    assert (event, payload["stopped"]) == ("chat_response", True)
    assert world.named("chat_error") == []


def test_a_second_tab_sees_the_answer_so_far_and_knows_which_pieces_it_has(world):
    def look():
        seen.append(world.last_message(world.events[0][2]["conversation_id"]))
        return "!"

    seen = []
    with_script(world, look, "Hel", "lo", look)
    world.ask()
    assert [(m["content"], m["status"], m["last_index"]) for m in seen] == [
        ("", "streaming", -1),
        ("!Hello", "streaming", 2),
    ]


def test_after_a_restart_unfinished_answers_are_interrupted_and_keep_what_was_on_disk(world):
    ids = world.chat.send(ME, "Hello?")
    world.clock.advance(1)
    again = world.another()
    assert again.recover() == 1
    message = again.history(ME, ids["conversation_id"])["messages"][-1]
    assert message["status"] == "interrupted"
    assert again.recover() == 0


def test_an_answer_that_nobody_writes_any_more_is_shown_as_interrupted(world):
    ids = world.chat.send(ME, "Hello?")
    elsewhere = world.another()
    assert elsewhere.history(ME, ids["conversation_id"])["messages"][-1]["status"] == "streaming"
    world.clock.advance(301)
    assert elsewhere.history(ME, ids["conversation_id"])["messages"][-1]["status"] == "interrupted"


def test_closing_tells_those_who_wait_and_keeps_what_was_said(world):
    def close():
        world.chat.close()
        return "never"

    with_script(world, "Hel", close)
    event, payload = world.ask()
    assert (event, payload["recoverable"], payload["partial_text"]) == ("chat_error", True, "Hel")
    assert ChatErrorSchema().validate(payload) == {}
    assert world.last_message(payload["conversation_id"])["status"] == "interrupted"


def test_recovering_without_a_database_is_only_told_to_the_log(world, caplog):
    world.database.away = True
    assert world.chat.recover() == 0
    assert "could not be looked for" in caplog.text


class Others:
    """Another worker, which may be out of reach."""

    def __init__(self, error=None):
        self.stopped, self.error = [], error

    def stop(self, user_id, message_id):
        self.stopped.append((user_id, message_id))
        if self.error is not None:
            raise self.error

    def progress(self, user_id, message_id):
        return None


@pytest.mark.parametrize("error", [None, NetworkError("no line")])
def test_deleting_a_conversation_stops_its_answer_in_another_worker_too(tmp_path, error):
    others = Others(error)
    world = World(tmp_path, Model("Hello"))
    ids = world.chat.send(ME, "What?")
    world.options = {"elsewhere": others}
    other = world.another()
    other.delete(ME, ids["conversation_id"])
    assert others.stopped == [(ME, ids["message_id"])]
    assert other.conversations(ME)["conversations"] == []


def test_an_answer_that_was_ended_before_its_task_began_says_nothing_more(tmp_path):
    world = World(tmp_path, Model("Hello"))
    ids = world.chat.send(ME, "What?")
    world.chat.stop(ME, ids["message_id"])
    world.tasks.run()
    assert [name for _, name, _ in world.events] == ["chat_response"]
    assert world.llm.asked == []
