"""The storage between a breaker and the fleet: counts, probes and pybreaker's own words."""

import pytest

from backend.resilience import CircuitBreaker, CountWindow
from backend.resilience.fleet import Fleet, MemoryServer
from backend.resilience.testing import FakeClock


def requests(worker, poll=False):
    return list(worker.breaker._state_storage.collect(poll))


def test_a_healthy_worker_has_nothing_to_say_between_polls(story):
    story.settle(1.1)
    worker = story.workers[0]
    for _ in range(100):
        story.succeed(0)
    assert requests(worker) == []
    assert [request.operation for request in requests(worker, poll=True)] == ["sync"]


def test_a_failure_is_told_within_the_flush_and_once(story):
    story.settle(1.1)
    story.fail(0)
    assert story.workers[0].fleet.exchange.pause() == pytest.approx(0.05)
    story.fail(0)
    story.advance(0.06)
    assert story.workers[0].fleet.exchange.pause() > 0.1
    story.world.deliver_all()
    assert [worker.breaker.failure_count for worker in story.workers] == [2, 2, 2]


def test_a_change_of_state_is_told_at_once_before_counts(story):
    story.settle(1.1)
    story.fail(0, 3)
    assert story.workers[0].fleet.exchange.pause() == 0
    assert [request.operation for request in requests(story.workers[0], poll=True)] == ["propose"]


def test_failures_of_several_open_the_breaker_when_they_have_stood_for_a_moment(story):
    story.settle(1.1)
    for number in range(3):
        story.fail(number)
    story.settle(0.1)
    assert story.states == ["closed"] * 3
    story.settle(0.3)
    assert story.states == ["open"] * 3
    assert story.record["reason"] == "3 failures in the fleet"
    assert story.record["open_ms"] == 5000


def test_a_success_in_that_moment_keeps_it_closed(story):
    story.settle(1.1)
    for number in range(3):
        story.fail(number)
    story.settle(0.07)
    story.succeed(1)
    story.settle(1.0)
    assert story.states == ["closed"] * 3


def test_rates_of_all_open_it_together(told):
    story = told(window=CountWindow(20, 0.5, minimum_calls=6))
    story.settle(1.1)
    for number in range(3):
        story.succeed(number)
        story.fail(number)
    story.settle(1.5)
    assert story.states == ["open"] * 3


def test_when_the_server_goes_away_the_failures_of_others_are_forgotten(story):
    story.settle(1.1)
    story.fail(0, 2)
    story.settle(0.1)
    assert story.workers[1].breaker.failure_count == 2
    story.world.take_down()
    story.advance(1.1)
    assert story.workers[1].breaker.failure_count == 0
    story.world.bring_up()
    story.settle(2.5)
    assert story.workers[1].breaker.failure_count == 2


def test_counts_go_on_in_the_fleet_in_metrics_only(story):
    story.workers[0].breaker.metrics_only("watch", author="anna")
    story.settle(1.1)
    story.fail(0, 5)
    story.settle(0.3)
    assert story.states == ["metrics_only"] * 3
    assert story.workers[1].breaker.failure_count == 5


def test_counts_of_before_a_change_are_not_told_after_it(story):
    story.settle(1.1)
    story.fail(0, 2)
    story.workers[1].breaker.reset("mended", "anna")
    story.settle(1.5)
    assert [worker.breaker.failure_count for worker in story.workers] == [0] * 3


def test_a_message_about_counts_of_another_generation_is_passed_over(story):
    story.settle(1.1)
    counts = {"kind": "counts", "name": "upstream", "by": "x", "generation": 7, "run": 0, "all": {"failures": 2}}
    story.workers[0].fleet.exchange.hear(counts)
    assert story.workers[0].breaker.failure_count == 0
    story.workers[0].fleet.exchange.hear({**counts, "generation": 0, "by": story.workers[0].name})
    assert story.workers[0].breaker.failure_count == 0, "its own"
    story.workers[0].fleet.exchange.hear({**counts, "generation": 0})
    assert story.workers[0].breaker.failure_count == 2


def test_what_is_set_through_pybreakers_protocol_is_a_persons_decision(story):
    story.workers[0].breaker._state_storage.state = "open"
    assert story.workers[0].state == "open"
    story.settle()
    assert story.states == ["open"] * 3
    assert len(story.world.server.audit(5)) == 1
    assert story.workers[1].breaker._state_storage.state == "open"
    assert story.workers[1].breaker._state_storage.record.generation == 1


def test_a_storage_that_belongs_to_no_breaker_says_nothing_and_says_so():
    fleet = Fleet(MemoryServer(), clock=FakeClock())
    storage = fleet.breaker_storage("feed")
    assert list(storage.collect(True)) == []
    storage.hear({"kind": "record"})
    storage.alone()
    assert (storage.record.state, storage.held_for()) == ("closed", 0)
    for step in (lambda: storage.release(True), lambda: storage.save(storage.record)):
        with pytest.raises(RuntimeError, match="belongs to no breaker yet"):
            step()
    CircuitBreaker(name="feed", storage=storage)
    assert [request.operation for request in storage.collect(True)] == ["sync"]


def test_a_window_of_another_kind_counts_for_itself(story, told):
    class Odd:
        slow_seconds, slow_rate, failures = None, 1.0, 0

        def record(self, failed, slow):
            self.failures += failed
            return self.failures >= 2

        def fresh(self):
            return Odd()

    story = told(window=Odd())
    story.fail(0, 2)
    story.settle(1.5)
    assert story.states == ["open"] * 3
    assert "limits" not in requests(story.workers[0], poll=True)[0].args
