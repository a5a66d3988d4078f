"""The guard of one dependency: the one way out of the process."""

import contextlib
import time

import pytest

from backend import runtime
from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DeadlineExceededError,
    FeatureDisabledError,
    NetworkError,
    NotFoundError,
    UpstreamRejectedError,
)
from backend.resilience import CallFinished, CountWindow, Deadline, Guards, Policy, RetryScheduled, current_deadline
from tests.unit.resilience.calls import Down, down, fail, fine, network_down
from tests.unit.resilience.green import Cancelled

ONCE = Policy(attempts=1)


@pytest.fixture
def guards(clock):
    return Guards(clock=clock, random=lambda: 0.5)


@pytest.fixture
def guard(guards):
    return guards.add("cisa_kev", feature="threat_intelligence", policy=ONCE)


@pytest.fixture
def finished(guards):
    told = []
    guards.listeners.subscribe(told.append, CallFinished)
    return told


def raising(error):
    def func():
        raise error

    return func


def test_results_and_arguments_are_passed_on(guard):
    assert guard.call(lambda *args, **kwargs: (args, kwargs), 1, name="x") == ((1,), {"name": "x"})
    assert (guard.name, guard.feature) == ("cisa_kev", "threat_intelligence")


def test_five_failures_open_it_and_then_calls_are_rejected_at_once(guard):
    for _ in range(5):
        with pytest.raises(NetworkError):
            guard.call(network_down)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        guard.call(pytest.fail)
    error = caught.value
    assert (error.name, error.retry_after) == ("cisa_kev", 60)
    assert isinstance(error.last_cause, NetworkError)


def test_each_attempt_counts_for_the_breaker_and_the_call_once_for_the_aggregator(guards, clock):
    guard = guards.add("epss", feature="threat_intelligence", policy=Policy(attempts=3))
    with pytest.raises(NetworkError):
        guard.call(network_down)
    assert guard.breaker.failure_count == 3
    assert guards.aggregator.get_error_stats()["errors_by_type"] == {"threat_intelligence_failure": 1}
    assert guards.aggregator.get_recent_errors()[0]["context"]["dependency"] == "epss"
    assert clock.sleeps == [0.25, 0.5], "half of 0.5 s and 1 s: full jitter with chance 0.5"


def test_a_name_for_its_failures_may_be_given(guards):
    guard = guards.add("kev", feature="threat_intelligence", policy=ONCE, error_type="threat_feed_failure")
    fail(guard)
    assert guards.aggregator.get_error_stats()["errors_by_type"] == {"threat_feed_failure": 1}


def test_a_breaker_that_opens_on_the_way_ends_the_retries_with_the_real_error(guards, clock):
    guard = guards.add("x", feature="y", policy=Policy(failure_threshold=2, attempts=5))
    with pytest.raises(NetworkError):
        guard.call(network_down)
    assert len(clock.sleeps) == 1


def test_what_does_not_count_passes_through(guard, guards, finished):
    for _ in range(9):
        with pytest.raises(NotFoundError):
            guard.call(raising(NotFoundError("x")))
    assert guard.breaker.state == "closed"
    assert guards.aggregator.get_error_stats()["total_errors"] == 0
    assert {event.outcome for event in finished} == {"ignored"}


def test_what_a_retry_cannot_help_is_not_retried_but_counts(guards, clock):
    guard = guards.add("x", feature="y", policy=Policy(attempts=3))
    with pytest.raises(UpstreamRejectedError):
        guard.call(raising(UpstreamRejectedError("wrong key")))
    assert (clock.sleeps, guard.breaker.failure_count) == ([], 1)


def test_the_fallback_stands_in_for_failures_and_rejections(guard, finished):
    assert guard.call(down, fallback="cached") == "cached"
    fail(guard, 4)
    assert guard.call(pytest.fail, fallback=lambda: ["made"]) == ["made"]
    assert guard.call(pytest.fail, fallback=None) is None
    assert [(event.outcome, event.fallback) for event in (finished[0], finished[-1])] == [
        ("failure", True),
        ("rejected", True),
    ]


def test_the_fallback_does_not_hide_the_callers_own_fault(guard):
    with pytest.raises(NotFoundError):
        guard.call(raising(NotFoundError("x")), fallback="cached")


def test_a_call_that_takes_too_long_is_a_deadline_exceeded(guards):
    guard = guards.add("slow", feature="y", policy=Policy(attempts=1, timeout=0.02))
    with pytest.raises(DeadlineExceededError, match=r"slow: no answer within 0.02 s"):
        guard.call(time.sleep, 1)
    assert guard.breaker.failure_count == 1


def test_a_timeout_of_the_function_is_one_too(guard):
    with pytest.raises(DeadlineExceededError):
        guard.call(raising(TimeoutError("read timed out")))


def test_a_deadline_that_has_passed_makes_no_call_and_blames_nobody(guard, guards, finished):
    with pytest.raises(DeadlineExceededError):
        guard.call(pytest.fail, deadline=0)
    assert guard.breaker.failure_count == 0
    assert finished[0].outcome == "rejected"
    assert guards.aggregator.get_error_stats()["total_errors"] == 0


def test_the_deadline_shortens_the_timeout_and_is_known_inside(guard, clock):
    def left():
        return current_deadline().remaining()

    assert guard.call(left) == 10
    assert guard.call(left, deadline=3) == 3
    assert guard.call(left, deadline=Deadline(4, clock)) == 4
    assert guard.call(left, deadline=30) == 10
    assert current_deadline() is None


def test_no_retry_is_begun_that_cannot_end_before_the_deadline(guards, clock):
    guard = guards.add("x", feature="y", policy=Policy(attempts=3, base_delay=4, jitter="none"))
    with pytest.raises(NetworkError):
        guard.call(network_down, deadline=3)
    assert clock.sleeps == []


def test_the_bulkhead_lets_so_many_in_and_no_more(guards, finished):
    guard = guards.add("x", feature="y", policy=Policy(max_concurrent=1))

    def inner():
        with pytest.raises(BulkheadFullError):
            guard.call(fine)
        return "outer"

    assert guard.call(inner) == "outer"
    assert guard.call(fine) == "fine"
    assert [event.outcome for event in finished] == ["rejected", "success", "success"]


@pytest.mark.parametrize("func", [fine, down, raising(Cancelled()), raising(NotFoundError())])
def test_every_place_is_given_back(guards, func):
    guard = guards.add("x", feature="y", policy=ONCE)
    with contextlib.suppress(Down, Cancelled, NotFoundError):
        guard.call(func)
    assert guard.bulkhead.taken == 0


def test_a_feature_switched_off_by_hand_is_not_called(guard, guards, finished):
    guards.degradation.disable_feature("threat_intelligence", "maintenance")
    with pytest.raises(FeatureDisabledError, match="maintenance"):
        guard.call(pytest.fail)
    assert guard.call(pytest.fail, fallback="cached") == "cached"
    assert [event.outcome for event in finished] == ["rejected", "rejected"]
    guards.degradation.enable_feature("threat_intelligence")
    assert guard.call(fine) == "fine"


def test_a_cancelled_call_is_told_as_cancelled(guard, finished):
    with pytest.raises(Cancelled):
        guard.call(raising(Cancelled()), fallback="cached")
    assert (finished[0].outcome, guard.breaker.failure_count) == ("cancelled", 0)


def test_each_call_is_told_with_its_duration(guard, finished, clock):
    guard.call(clock.sleep, 2)
    fail(guard, func=network_down)
    ok, failed = finished
    assert (ok.name, ok.feature, ok.outcome, ok.seconds, ok.error) == (
        "cisa_kev", "threat_intelligence", "success", 2, None,
    )  # fmt: skip
    assert (failed.outcome, type(failed.error)) == ("failure", NetworkError)


def test_retries_are_told(guards):
    told = []
    guards.listeners.subscribe(told.append, RetryScheduled)
    guard = guards.add("x", feature="y", policy=Policy(attempts=2))
    fail(guard, func=network_down)
    assert [(event.name, event.attempt, event.wait) for event in told] == [("x", 1, 0.25)]


def test_in_a_full_outage_there_are_at_most_1_2_attempts_a_call(guards):
    never_opens = CountWindow(10_000, minimum_calls=10_000)
    guard = guards.add("x", feature="y", policy=Policy(attempts=5, base_delay=0, window=never_opens))
    calls = []

    def attempt():
        calls.append(1)
        raise NetworkError("down")

    for _ in range(500):
        fail(guard, func=attempt)
    assert len(calls) <= 500 * 1.2


def test_rejected_calls_do_not_fill_the_retry_budget(guard):
    fail(guard, 5)
    fail(guard, 500)
    assert guard.budget.available == 3


def test_the_policys_limits_reach_breaker_and_budget(guards, clock):
    policy = Policy(
        failure_threshold=2, open_seconds=10, timeout=7, open_growth=2, max_open_seconds=15, attempts=1, retry_minimum=1
    )
    guard = guards.add("x", feature="y", policy=policy)
    fail(guard, 2)
    assert guard.breaker.retry_after == 10
    clock.advance(10)
    fail(guard)
    assert guard.breaker.retry_after == 15
    assert guard.budget.available == 1


def test_a_call_in_real_time_is_interrupted_in_every_mode():
    guard = Guards().add("x", feature="y", policy=Policy(attempts=2, timeout=0.03, base_delay=0.01))
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        guard.call(time.sleep, 2)
    assert time.monotonic() - started < 0.9  # one after the other they take 1 s
    assert guard.breaker.failure_count == 2


def test_calls_through_one_guard_run_at_the_same_time():
    guard = Guards().add("x", feature="y")
    started = time.monotonic()
    tasks = [runtime.spawn(guard.call, time.sleep, 0.1) for _ in range(10)]
    assert all(task.wait(5) for task in tasks)
    assert time.monotonic() - started < 0.9  # one after the other they take 1 s


def test_a_rejection_costs_microseconds():
    guard = Guards().add("x", feature="y", policy=ONCE)
    fail(guard, 5)
    started = time.perf_counter()
    for _ in range(1000):
        fail(guard)
    assert time.perf_counter() - started < 5, "a thousand in seconds, on the slowest machine"


def test_a_guard_inside_a_guard_is_stopped_by_the_outer_ones_time():
    if runtime.mode() == "threading":
        pytest.skip("threads cannot be interrupted")
    guards = Guards()
    outer = guards.add("outer", feature="y", policy=Policy(attempts=1, timeout=0.03))
    inner = guards.add("inner", feature="z", policy=Policy(attempts=5, timeout=5, base_delay=0))
    with pytest.raises(DeadlineExceededError):
        outer.call(inner.call, time.sleep, 2)
    assert inner.breaker.failure_count == 1
    assert (outer.bulkhead.taken, inner.bulkhead.taken) == (0, 0)
