"""Who follows whom: breakers and the server's record, step by step."""

import pytest


def test_what_one_worker_decides_the_others_follow_by_the_same_number(story):
    story.fail(0, 3)
    story.settle()
    assert (story.states, story.numbers) == (["open"] * 3, [1] * 3)
    assert story.record["decision"] == story.workers[0].name + ":1"
    assert story.workers[2].breaker.snapshot.reason == "Down: down"


def test_a_break_ends_for_all_at_the_same_time_whatever_their_clocks_show(story):
    story.fail(0, 3)
    story.settle(2.0)
    left = [worker.breaker.retry_after for worker in story.workers]
    assert left == pytest.approx([3.0] * 3, abs=0.01)


def test_two_decisions_of_one_number_are_the_servers_to_choose_from(story):
    for worker in story.workers:
        worker.wire.cut()
    story.fail(0, 3)
    story.fail(1, 3)
    story.world.bring_up()
    for worker in story.workers:
        story.world.connect(worker)
    story.settle(2.0)
    assert (story.states, story.numbers) == (["open"] * 3, [1] * 3)
    assert len({worker.decision for worker in story.workers}) == 1


def test_only_the_newest_of_a_workers_own_decisions_is_told(story):
    story.workers[0].wire.cut()
    story.fail(0, 3)
    story.advance(5.0)
    story.fail(0, 1)
    follower = story.workers[0].breaker._state_storage._follower
    assert [(move.record.state, move.record.generation) for move in follower.moves] == [("open", 3)]
    story.world.connect(story.workers[0])
    story.settle(2.0)
    assert story.record["level"] == 1
    assert story.states == ["open"] * 3


def test_every_decision_of_a_person_is_told_in_its_order(story):
    story.workers[0].wire.cut()
    story.workers[0].breaker.force_open("first", author="anna")
    story.workers[0].breaker.disable("second", author="berta")
    story.world.connect(story.workers[0])
    story.settle(2.0)
    assert [entry["author"] for entry in story.world.server.audit(10)] == ["berta", "anna"]
    assert story.states == ["disabled"] * 3


def test_a_persons_decision_goes_before_what_a_worker_decides_by_itself(story):
    story.workers[1].wire.cut()
    story.workers[0].breaker.disable("it lies", author="anna")
    story.fail(1, 3)
    story.settle()
    assert story.states == ["disabled", "open", "disabled"]
    story.world.connect(story.workers[1])
    story.settle(2.0)
    assert story.states == ["disabled"] * 3
    assert story.workers[1].breaker.snapshot.author == "anna"


def test_a_decision_that_reaches_the_server_twice_is_one(story):
    story.workers[0].wire.replies_to_lose = 1
    story.workers[0].breaker.force_open("maintenance", author="anna")
    story.settle(3.0)
    assert [entry["author"] for entry in story.world.server.audit(10)] == ["anna"]
    assert (story.states, story.numbers) == (["forced_open"] * 3, [1] * 3)


def test_half_open_is_the_workers_own_view_until_the_server_admits_a_probe(story):
    story.fail(0, 3)
    story.settle()
    story.advance(5.0)
    story.workers[1].wire.cut()
    story.workers[1].breaker._control.half_open(story.workers[1].breaker._control.current)
    story.world.connect(story.workers[1])
    story.settle()
    assert story.record["state"] == "open"
    assert story.workers[1].state == "half_open"


def test_a_server_that_has_lost_its_memory_gets_back_what_the_workers_know(story):
    story.fail(0, 3)
    story.settle()
    changed = dict(story.record)
    for _ in range(3):
        story.advance(0.1)
        story.world.server.forget()
        story.settle(1.2)
    assert {name: story.record[name] for name in ("state", "generation", "decision")} == {
        name: changed[name] for name in ("state", "generation", "decision")
    }
    assert story.record["changed_at"] == pytest.approx(changed["changed_at"], abs=5), "the break goes on as it was"
    assert (story.states, story.numbers) == (["open"] * 3, [1] * 3)


def test_a_half_open_state_of_ones_own_gives_back_the_break_that_it_follows(story):
    story.fail(0, 3)
    story.settle()
    story.advance(5.0)
    for worker in story.workers[1:]:
        worker.wire.cut()
    story.workers[0].breaker._control.half_open(story.workers[0].breaker._control.current)
    story.world.server.forget()
    story.advance(1.5)
    assert (story.record["state"], story.record["generation"]) == ("open", 1)


def test_who_knows_that_another_probes_does_not_tell_a_forgetful_server_of_it(story):
    story.fail(0, 3)
    story.settle()
    story.advance(5.0)
    assert story.begin(0) is not None
    story.settle(0.0)
    story.world.server.forget()
    story.workers[0].stalled = True
    story.advance(1.2)
    assert story.record == {}
    story.workers[0].stalled = False
    story.advance(0.5)
    assert (story.record["state"], story.record["generation"]) == ("half_open", 2)


def test_a_message_older_than_ones_own_state_changes_nothing(story):
    story.fail(0, 3)
    story.world.advance(0.01)
    old = list(story.workers[1].wire.inbox.messages)
    story.settle()
    story.workers[1].breaker.reset("mended", "anna")
    story.settle()
    for message in old:
        story.workers[1].fleet.exchange.hear(message)
    assert story.states == ["closed"] * 3


def test_a_message_of_the_same_number_changes_nothing(story):
    story.workers[1].wire.cut()
    story.fail(1, 3)
    story.workers[0].breaker.disable("x", author="anna")
    story.advance(0.01)
    (message,) = [each for each in story.workers[2].wire.inbox.messages if each["kind"] == "record"]
    story.workers[1].fleet.exchange.hear(message)
    assert story.workers[1].state == "open"


def test_a_newer_number_of_the_same_decision_is_taken_over_without_a_change(story):
    story.fail(0, 3)
    story.settle()
    before = story.workers[0].breaker._control.current
    story.world.server.arbiters["upstream"]._args = {"worker": "x"}
    story.world.server.arbiters["upstream"]._renumber(6)
    story.world.deliver_all()
    assert story.numbers == [7] * 3
    assert story.workers[0].breaker._control.current is before
    story.settle(1.5)
    assert story.record["generation"] == 7
