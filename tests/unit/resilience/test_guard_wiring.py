"""What the guards hand on, note and tell, to the last detail."""

import logging

import pytest

from backend.errors import CircuitBreakerOpenError, DeadlineExceededError
from backend.resilience import (
    BreakerStorage,
    CallFinished,
    ErrorAggregator,
    GracefulDegradation,
    Guards,
    Policy,
    RetryBudget,
    RetryScheduled,
)
from backend.resilience.aggregator import is_recorded
from tests.unit.resilience.calls import Down, down, fail, fine, network_down

ONCE = Policy(attempts=1)


@pytest.fixture
def guards(clock):
    clock.advance(1000)
    return Guards(clock=clock, random=lambda: 0.5)


@pytest.fixture
def guard(guards):
    return guards.add("kev", feature="intel", policy=ONCE)


@pytest.fixture
def finished(guards):
    told = []
    guards.listeners.subscribe(told.append, CallFinished)
    return told


def raising(error):
    def func():
        raise error

    return func


def test_what_is_given_is_used(clock):
    aggregator, degradation = ErrorAggregator(clock=clock), GracefulDegradation(clock=clock)
    storages, budgets = {}, {}

    def storage(name):
        return storages.setdefault(name, BreakerStorage(clock=clock))

    def budget(name, ratio, minimum):
        return budgets.setdefault((name, ratio, minimum), RetryBudget(ratio, minimum, clock=clock))

    guards = Guards(clock=clock, aggregator=aggregator, degradation=degradation, storage=storage, budget=budget)
    assert guards.aggregator is aggregator
    assert guards.degradation is degradation
    guard = guards.add("kev", feature="intel", policy=Policy(retry_ratio=0.5, retry_minimum=7, attempts=1))
    assert guard.budget is budgets["kev", 0.5, 7]
    fail(guard, 5)
    assert storages["kev"].record.state == "open"


def test_without_anything_given_it_has_its_own():
    guards = Guards()
    assert guards.aggregator is not Guards().aggregator
    assert guards.degradation is not Guards().degradation


def test_times_in_the_status_are_rounded_to_milliseconds(guards, guard, clock):
    fail(guard, 5)
    clock.advance(0.87655)
    assert guards.feature_status()["intel"]["dependencies"]["kev"]["retry_after"] == 59.123


def test_the_healthiest_dependency_speaks_for_the_feature(guards, clock):
    first = guards.add("first", feature="both", policy=Policy(failure_threshold=1, attempts=1))
    second = guards.add("second", feature="both", policy=ONCE)
    fail(second, 3)
    fail(first)
    clock.advance(60)
    status = guards.feature_status()["both"]
    assert status["dependencies"]["first"]["circuit_breaker"] == "half_open"
    assert (status["circuit_breaker"], status["failures"]) == ("closed", 3), "closed goes before half-open"


def test_half_open_goes_before_open(guards, clock):
    first = guards.add("first", feature="both", policy=Policy(failure_threshold=1, attempts=1, open_seconds=300))
    second = guards.add("second", feature="both", policy=ONCE)
    fail(second, 5)
    clock.advance(60)
    fail(first)
    status = guards.feature_status()["both"]
    assert status["dependencies"]["first"]["circuit_breaker"] == "open"
    assert (status["circuit_breaker"], status["failures"]) == ("half_open", 5)


def test_what_only_enriches_cannot_keep_its_feature_on(guards, guard):
    guards.add("epss", feature="intel", policy=ONCE, essential=False).call(fine)
    fail(guard, 5)
    assert guards.feature_status()["intel"]["enabled"] is False


def test_a_feature_with_nothing_essential_hears_of_no_breaker(guards, caplog):
    extra = guards.add("extra", feature="extras", policy=ONCE, essential=False)
    fail(extra, 5)
    assert guards.feature_status()["extras"]["enabled"] is True
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_while_it_is_half_open_the_feature_stays_off(guards, guard, clock):
    fail(guard, 5)
    clock.advance(60)
    states = []
    guard.call(lambda: states.append(guards.degradation.is_enabled("intel")))
    assert states == [False]
    assert guards.degradation.is_enabled("intel")


def test_forced_open_the_reason_says_so(guards, guard):
    guard.breaker.force_open("upgrade")
    assert guards.degradation.reason("intel") == "kev is failing: its circuit breaker is open"


def test_each_call_that_was_made_fills_the_budget(guard):
    for _ in range(100):
        guard.call(fine)
    assert guard.budget.available == 20


def test_a_deadline_error_of_the_function_is_raised_as_it_is(guard):
    error = DeadlineExceededError("further in")
    with pytest.raises(DeadlineExceededError) as caught:
        guard.call(raising(error))
    assert caught.value is error


def test_a_call_without_time_speaks_against_nobody(guard):
    with pytest.raises(DeadlineExceededError) as caught:
        guard.call(pytest.fail, deadline=0)
    assert caught.value.counts_as_failure is False


def test_a_feature_that_is_kept_on_by_hand_is_called(guards, guard):
    guards.degradation.override_feature("intel", True, "we need it", author="anna")
    assert guard.call(fine) == "fine"


@pytest.mark.parametrize("works", [True, False])
def test_going_off_is_a_warning_where_it_has_worked(guards, guard, caplog, works):
    caplog.set_level(logging.INFO)
    if works:
        guard.call(fine)
    fail(guard, 5)
    (record,) = [each for each in caplog.records if "intel is off" in each.getMessage()]
    assert record.levelno == (logging.WARNING if works else logging.INFO)


def test_a_failure_is_marked_as_recorded(guard):
    with pytest.raises(Down) as caught:
        guard.call(down)
    assert is_recorded(caught.value)


def test_each_call_is_told_with_all_there_is_to_tell(guard, finished, clock):
    guard.call(clock.advance, 3)
    guard.breaker.classify.expected.append(KeyError)
    with pytest.raises(KeyError):
        guard.call({}.__getitem__, "x")
    assert guard.call(down, fallback=1) == 1
    assert [(event.outcome, event.seconds, event.fallback) for event in finished] == [
        ("success", 3, False), ("ignored", 0, False), ("failure", 0, True),
    ]  # fmt: skip


def test_so_is_each_stream(guard, finished, clock):
    def items(error=None):
        clock.advance(2)
        yield 1
        if error:
            raise error

    assert list(guard.stream(items)) == [1]
    with pytest.raises(Down):
        list(guard.stream(lambda: items(Down())))
    with pytest.raises(DeadlineExceededError):
        list(guard.stream(items, deadline=0))
    assert [(event.outcome, event.seconds, event.fallback) for event in finished] == [
        ("success", 2, False), ("failure", 2, False), ("rejected", 0, False),
    ]  # fmt: skip


def test_in_a_full_outage_at_most_a_fifth_is_tried_again(guards, clock):
    """A minute of one call each 100 ms, all of them failing, with a breaker that never opens."""
    attempts, retries = [], []
    policy = Policy(failure_threshold=10**9, attempts=5, base_delay=0.001, jitter="none")
    guard = guards.add("outage", feature="intel", policy=policy)
    guards.listeners.subscribe(retries.append, RetryScheduled)

    def refuse():
        attempts.append(clock.monotonic())
        network_down()

    calls = 3000
    for _ in range(calls):
        fail(guard, func=refuse)
        clock.advance(0.1)
    assert len(attempts) == calls + len(retries), "each retry that was planned was made"
    assert len(attempts) <= 1.2 * calls + 3, "three a minute are allowed whatever the calls: the first of them"
    assert len(attempts) > 1.19 * calls, "and what is allowed is used"


def test_a_prober_that_is_lost_holds_its_permit_no_longer_than_its_own_timeout(guards, clock):
    guard = guards.add("slow", feature="intel", policy=Policy(timeout=7, attempts=1))
    fail(guard, 5)
    clock.advance(60)
    guard.breaker.begin()  # nobody will ever settle this one
    clock.advance(6.9)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        guard.call(pytest.fail)
    assert 0 < caught.value.retry_after < 0.11
    clock.advance(0.1)
    assert guard.call(fine) == "fine"
    assert guard.breaker.state == "closed"


# Streams


class Iterator:
    """Fails at the given item, and notes that it is closed."""

    def __init__(self, items, error=None):
        self.items, self.error, self.closed = list(items), error, 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.items:
            return self.items.pop(0)
        raise self.error or StopIteration

    def close(self):
        self.closed += 1


def test_a_stream_that_fails_at_its_first_item_is_closed_and_raises_the_error_as_it_is(guard):
    source = Iterator([], Down("at once"))
    with pytest.raises(Down) as caught:
        next(guard.stream(lambda: source))
    assert caught.value is source.error
    assert caught.value.__cause__ is None
    assert source.closed == 1


def test_a_reader_that_leaves_resets_no_count(guard):
    fail(guard, 3)
    stream = guard.stream(lambda: iter([1, 2]))
    next(stream)
    stream.close()
    assert guard.breaker.failure_count == 3


def test_a_reader_that_leaves_a_probe_gives_its_permit_back(guard, clock):
    fail(guard, 5)
    clock.advance(60)
    stream = guard.stream(lambda: iter([1, 2]))
    next(stream)
    stream.close()
    assert guard.breaker.state == "half_open"
    assert guard.call(fine) == "fine"
    assert guard.breaker.state == "closed"


def test_each_item_keeps_a_probing_streams_permit(guard, clock):
    def slow_items():
        for number in range(4):
            clock.advance(8)
            yield number

    fail(guard, 5)
    clock.advance(60)
    assert list(guard.stream(slow_items)) == [0, 1, 2, 3]
    assert guard.breaker.state == "closed", "32 s with a lease of 10 s"


def test_what_cannot_be_closed_is_not(guard, caplog):
    caplog.set_level(logging.DEBUG)
    assert list(guard.stream(lambda: [1, 2])) == [1, 2]
    assert [record.message for record in caplog.records] == []
