"""Asking again: the same question, once more, however often it is wanted."""

import pytest

from backend.errors import ConflictError, NotFoundError, ValidationError
from backend.llm.errors import IncompleteAnswerError
from tests.unit.dashboard.chat_world import ME, SOMEBODY, Model, World

CUT = IncompleteAnswerError("the stream ended without a finish reason")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, Model("Hel", CUT))


@pytest.fixture
def cut(world):
    """The ids of an answer that broke off."""
    event, payload = world.ask("What is new?")
    assert (event, payload["partial_text"]) == ("chat_error", "Hel")
    world.llm.script = ["Hello"]
    return payload


def retried(world, message_id, **options):
    ids = world.chat.retry(ME, message_id, **options)
    world.tasks.run()
    return ids, world.events[-1][2]


def messages(world, payload):
    return world.chat.history(ME, payload["conversation_id"])["messages"]


def test_the_question_of_a_cut_answer_is_asked_again_and_not_written_twice(world, cut):
    world.clock.advance(5)
    ids, payload = retried(world, cut["message_id"])
    assert (payload["response"], payload["message_id"], payload["conversation_id"]) == (
        "Hello",
        ids["message_id"],
        cut["conversation_id"],
    )
    assert ids["message_id"] != cut["message_id"]
    shown = [(row["role"], row["content"], row["status"]) for row in messages(world, cut)]
    assert shown == [
        ("user", "What is new?", "complete"),
        ("assistant", "Hel", "incomplete"),
        ("assistant", "Hello", "complete"),
    ]
    first, second = world.llm.asked
    assert first[-1]["content"].endswith("What is new?")
    assert second[-1]["content"].endswith("What is new?")
    assert len(second) == len(first)  # neither the question twice nor the half answer


def test_wanted_twice_it_is_asked_once_also_after_a_restart_and_from_elsewhere(world, cut):
    ids, _ = retried(world, cut["message_id"])
    assert retried(world, cut["message_id"])[0] == ids
    assert world.another().retry(ME, cut["message_id"]) == ids
    assert len(world.llm.asked) == 2


def test_two_processes_at_the_same_moment_ask_once(world, cut):
    other = world.another()
    save = other._conversations.save

    def slowly(*args, **options):
        world.chat.retry(ME, cut["message_id"])
        return save(*args, **options)

    other._conversations.save = slowly
    ids = other.retry(ME, cut["message_id"])
    world.tasks.run()
    assert len(world.llm.asked) == 2
    assert messages(world, cut)[-1]["id"] == ids["message_id"]


def test_an_answer_that_failed_again_can_be_asked_for_again(world, cut):
    world.llm.script = ["He", CUT]
    ids, _ = retried(world, cut["message_id"])
    world.llm.script = ["Hello"]
    _, payload = retried(world, ids["message_id"])
    assert payload["response"] == "Hello"
    shown = [(row["content"], row["status"]) for row in messages(world, cut)[1:]]
    assert shown == [("Hel", "incomplete"), ("He", "incomplete"), ("Hello", "complete")]


def test_an_answer_from_local_data_can_be_asked_for_again_of_the_model(tmp_path):
    world = World(tmp_path, Model(CUT))
    _, payload = world.ask("Hello?")
    assert "local data" in payload["fallback"]["response"]
    world.llm.script = ["Hi"]
    world.clock.advance(1)
    _, payload = retried(world, payload["message_id"])
    assert (payload["response"], payload["degraded"]) == ("Hi", False)
    assert [message["role"] for message in world.llm.asked[-1]] == ["system", "user"]


def test_an_old_answer_asked_for_again_is_told_what_came_before_its_question_only(world, cut):
    world.clock.advance(1)
    world.ask("Later?", cut["conversation_id"])
    world.clock.advance(1)
    retried(world, cut["message_id"])
    assert not any("Later?" in message["content"] for message in world.llm.asked[-1])


def test_what_is_not_ones_own_or_is_no_answer_cannot_be_asked_for_again(world, cut):
    question = messages(world, cut)[0]["id"]
    for user, message_id in ((SOMEBODY, cut["message_id"]), (ME, question), (ME, "no-such-id")):
        with pytest.raises(NotFoundError):
            world.chat.retry(user, message_id)


def test_one_that_is_being_written_cannot_be_asked_for_again(world):
    ids = world.chat.send(ME, "What?")
    with pytest.raises(ConflictError):
        world.chat.retry(ME, ids["message_id"])
    world.tasks.run()


def test_it_works_while_the_database_is_away(world):
    world.ask("First")
    world.database.away = True
    event, payload = world.ask("What is new?", world.events[-1][2]["conversation_id"])
    assert event == "chat_error"
    world.llm.script = ["Hello"]
    _, payload = retried(world, payload["message_id"])
    assert payload["response"] == "Hello"
    assert "not being saved" in payload["notice"]


def test_the_conversation_of_a_retry_is_the_one_used_last(world, cut):
    world.clock.advance(10)
    world.ask("Another")
    world.clock.advance(10)
    retried(world, cut["message_id"])
    assert world.chat.conversations(ME)["conversations"][0]["title"] == "What is new?"


def test_a_model_that_cannot_be_chosen_is_refused_before_anything_is_asked(world, cut):
    world.llm.models = lambda: ["grok-other"]
    with pytest.raises(ValidationError):
        world.chat.retry(ME, cut["message_id"], "nonsense")
    _, payload = retried(world, cut["message_id"], model="grok-other")
    assert (payload["model"], world.llm.chosen) == ("grok-other", "grok-other")


def test_an_answer_that_failed_again_asks_its_own_question_though_another_came_between(world, cut):
    world.ask("Later?", cut["conversation_id"])
    world.clock.advance(1)
    world.llm.script = ["He", CUT]
    ids, _ = retried(world, cut["message_id"])
    world.clock.advance(1)
    world.llm.script = ["Hello"]
    again, _ = retried(world, ids["message_id"])
    assert world.llm.asked[-1][-1]["content"].endswith("What is new?")
    assert not any("Later?" in message["content"] for message in world.llm.asked[-1])
    world.clock.advance(1)
    retried(world, again["message_id"])
    assert world.llm.asked[-1][-1]["content"].endswith("What is new?")


def test_an_answer_far_back_in_a_long_conversation_can_be_asked_for_again(world, cut):
    for number in range(110):
        world.ask(f"Question {number}", cut["conversation_id"])
    _, payload = retried(world, cut["message_id"])
    assert payload["response"] == "Hello"
    assert world.llm.asked[-1][-1]["content"].endswith("What is new?")
