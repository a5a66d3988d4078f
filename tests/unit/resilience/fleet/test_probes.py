"""Permits to probe, from the breakers' side."""

import pytest


@pytest.fixture
def half(told):
    """Start a story in which the break has just ended for all."""

    def start(**options):
        story = told(**options)
        story.fail(0, 3)
        story.settle()
        story.advance(5.0)
        return story

    return start


def test_one_is_admitted_and_the_others_know_without_asking(half):
    story = half()
    assert story.begin(0) is not None
    story.settle(0.0)
    asked = story.workers[1].wire.permits
    assert story.begin(1) is None
    assert story.workers[1].breaker.retry_after == 1.0
    assert story.workers[1].breaker._state_storage.held_for() == pytest.approx(2.0, abs=0.01)
    assert story.workers[1].wire.permits == asked


def test_its_success_closes_the_circuit_for_all(half):
    story = half()
    story.begin(0).succeeded()
    story.settle()
    assert (story.states, story.numbers) == (["closed"] * 3, [3] * 3)
    assert story.record["reason"] == "probe succeeded"


def test_its_failure_opens_the_circuit_for_all_with_the_next_break(half):
    story = half()
    story.fail(0, 1)
    story.settle()
    assert (story.states, story.numbers) == (["open"] * 3, [3] * 3)
    assert story.record["level"] == 1


def test_a_probe_that_is_left_makes_room_for_another_at_once(half):
    story = half()
    call = story.begin(0)
    story.settle(0.0)
    assert story.begin(1) is None
    call.dropped()
    story.settle(0.01)
    assert story.begin(1) is not None
    assert len(story.leases) == 1


def test_the_permit_of_a_killed_worker_ends_by_itself(half):
    story = half()
    story.begin(0)
    story.world.restart_worker(0)
    story.settle(1.9)
    assert story.begin(1) is None
    story.settle(0.2)
    assert story.begin(1) is not None


def test_a_long_probe_that_lives_is_held_on(half):
    story = half()
    call = story.begin(0)
    for _ in range(6):
        story.settle(0.7)
        call.alive()
        story.settle(0.0)
        assert story.begin(1) is None
    call.succeeded()
    story.settle()
    assert story.states == ["closed"] * 3


def test_successes_of_several_workers_close_the_circuit_together(half):
    story = half(permits=2)
    first, second = story.begin(0), story.begin(1)
    assert story.begin(2) is None
    first.succeeded()
    story.settle(0.01)
    assert set(story.states) == {"half_open"}
    assert story.begin(2) is None, "a success has used its permit"
    second.succeeded()
    story.settle()
    assert (story.states, len(set(story.numbers))) == (["closed"] * 3, 1)


def test_a_permit_that_is_left_is_no_success(half):
    story = half(permits=2)
    first, second = story.begin(0), story.begin(1)
    first.dropped()
    second.succeeded()
    story.settle(0.05)
    assert set(story.states) == {"half_open"}
    assert story.begin(2) is not None


def test_without_the_server_each_probes_by_its_own_view(half):
    story = half()
    story.world.take_down()
    calls = [story.begin(number) for number in range(3)]
    assert all(calls)
    calls[0].succeeded()
    assert story.states == ["closed", "half_open", "half_open"]


def test_a_permit_whose_reply_was_lost_is_not_held_by_anybody_for_longer_than_a_lease(half):
    story = half()
    story.workers[0].wire.replies_to_lose = 1
    assert story.begin(0) is not None, "by its own view"
    story.settle(2.5)
    assert story.begin(1) is not None


def test_who_asks_before_the_break_is_over_for_the_server_waits(story):
    story.fail(0, 3)
    story.settle()
    early = story.workers[1].breaker
    early._control.half_open(early._control.current)
    assert story.begin(1) is None
    assert story.record["state"] == "open"
    assert early._control.held_for() == pytest.approx(4.7, abs=0.1), "it knows how long, and asks no more"


def test_a_server_that_forgot_a_permit_gives_it_anew_under_another_token(half):
    story = half()
    call = story.begin(0)
    story.settle(0.0)
    story.world.server.forget()
    story.settle(1.2)
    call.alive()
    story.settle(1.2)
    assert [lease["worker"] for lease in story.leases] == [story.workers[0].name]
    assert story.begin(1) is None
    call.succeeded()
    story.settle()
    assert story.states == ["closed"] * 3


def test_a_permit_that_arrives_when_its_state_is_over_is_given_back(half):
    """A person resets the breaker while the question is under way."""
    story = half()
    worker = story.workers[0]
    ask = worker.wire.server.ask

    def slow(requests):
        replies = ask(requests)
        if requests[0].operation == "lease":
            worker.wire.server.ask = ask
            worker.breaker.reset("mended", "anna")
            worker.breaker.force_open("no", author="anna")
        return replies

    worker.wire.server.ask = slow
    assert story.begin(0) is None
    story.settle()
    assert story.states == ["forced_open"] * 3
    assert story.leases == []


def test_a_permit_that_arrives_in_another_half_open_state_is_given_back_too(half):
    story = half()
    worker = story.workers[0]
    ask = worker.wire.server.ask

    def slow(requests):
        replies = ask(requests)
        if requests[0].operation == "lease":
            worker.wire.server.ask = ask
            worker.breaker._state_storage._follower.turns += 1
        return replies

    worker.wire.server.ask = slow
    assert story.begin(0) is None
    story.settle(0.05)
    assert story.leases == []
    assert story.begin(1) is not None
