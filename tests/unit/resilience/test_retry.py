"""Retry with exponential backoff."""

import time
from types import SimpleNamespace

import pybreaker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import runtime
from backend.errors import DatabaseError, DeadlineExceededError, NetworkError, ValidationError
from backend.resilience import (
    PATIENT,
    QUICK,
    STANDARD,
    CallRejectedError,
    RetryBudget,
    RetryPolicy,
    call_with_retry,
    deadline,
    retry_with_backoff,
)
from backend.resilience.retry import is_retryable
from backend.resilience.testing import FakeClock
from tests.unit.resilience.calls import Down
from tests.unit.resilience.green import Cancelled, GreenTimeout


class Flaky:
    """Raises the errors one after the other, then returns."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "fine"


def test_it_tries_again_until_it_succeeds(clock):
    flaky = Flaky(Down(), Down())
    assert call_with_retry(flaky, clock=clock) == "fine"
    assert flaky.calls == 3
    assert clock.sleeps == [1, 2]


def test_the_last_error_is_raised_when_the_attempts_are_used_up(clock):
    last = Down("last")
    flaky = Flaky(Down(), Down(), last, Down())
    with pytest.raises(Down) as caught:
        call_with_retry(flaky, clock=clock)
    assert caught.value is last
    assert (flaky.calls, clock.sleeps) == (3, [1, 2])


@pytest.mark.parametrize(
    ("policy", "sleeps"),
    [(QUICK, [0.5, 0.75]), (STANDARD, [1, 2]), (PATIENT, [2, 4, 8, 16]), (RetryPolicy(6, 2, 2, 10), [2, 4, 8, 10, 10])],
)
def test_presets_and_their_waits(policy, sleeps):
    clock = FakeClock()
    with pytest.raises(Down):
        call_with_retry(Flaky(*[Down()] * 10), policy, clock=clock)
    assert clock.sleeps == sleeps


def test_as_a_decorator_it_passes_arguments_on_and_keeps_the_name(clock):
    calls = []

    @retry_with_backoff(max_attempts=2, initial_delay=0.5, clock=clock)
    def fetch(*args, **kwargs):
        """Fetch."""
        calls.append((args, kwargs))
        if len(calls) == 1:
            raise Down
        return "fine"

    assert fetch(1, key=2) == "fine"
    assert calls == [((1,), {"key": 2})] * 2
    assert (fetch.__name__, fetch.__doc__, clock.sleeps) == ("fetch", "Fetch.", [0.5])


def test_only_the_errors_given_are_tried_again(clock):
    flaky = Flaky(KeyError())
    with pytest.raises(KeyError):
        call_with_retry(flaky, RetryPolicy(exceptions=(Down,)), clock=clock)
    assert flaky.calls == 1


def test_one_class_of_errors_may_be_given_without_a_tuple(clock):
    flaky = Flaky(Down())

    @retry_with_backoff(exceptions=Down, clock=clock)
    def fetch():
        return flaky()

    assert fetch() == "fine"


@pytest.mark.parametrize(
    "error",
    [
        ValidationError("wrong"),
        CallRejectedError("kev"),
        pybreaker.CircuitBreakerError(),
        Cancelled(),
        KeyboardInterrupt(),
        GeneratorExit(),
    ],
)
def test_what_another_attempt_cannot_help_is_raised_at_once(clock, error):
    flaky = Flaky(error)
    with pytest.raises(type(error)):
        call_with_retry(flaky, clock=clock)
    assert (flaky.calls, clock.sleeps) == (1, [])


def test_a_timer_of_the_greenlet_library_is_tried_again(clock):
    flaky = Flaky(GreenTimeout(), DatabaseError(), NetworkError())
    assert call_with_retry(flaky, RetryPolicy(4), clock=clock) == "fine"
    assert not is_retryable(GreenTimeout(), (KeyError,))
    assert is_retryable(GreenTimeout(), (TimeoutError,))


def test_a_timer_that_a_caller_has_set_stops_the_retries_too(clock):
    if runtime.mode() == "threading":
        pytest.skip("threads cannot be interrupted")
    attempts = []

    def hang():
        attempts.append(1)
        time.sleep(5)

    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0.02, call_with_retry, hang, clock=clock)
    assert (attempts, clock.sleeps) == ([1], [])


def test_a_timer_inside_the_attempt_is_its_failure(clock):
    def hang():
        runtime.call_with_timeout(0.01, time.sleep, 5)

    with pytest.raises(TimeoutError):
        call_with_retry(hang, RetryPolicy(2), clock=clock)
    assert clock.sleeps == [1]


@given(st.floats(0.1, 50), st.floats(0, 0.999))
def test_what_the_other_side_asks_for_is_waited_never_early_and_within_five_per_cent(asked, chance):
    clock = FakeClock()
    policy = RetryPolicy(2, initial_delay=0.05, jitter="full")
    call_with_retry(Flaky(NetworkError("429", retry_after=asked)), policy, clock=clock, random=lambda: chance)
    assert asked <= clock.sleeps[0] <= asked * 1.05


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("header", ["90", "Thu, 01 Jan 2026 00:01:30 GMT"], ids=["seconds", "date"])
def test_so_is_what_the_header_of_a_response_asks_for_in_both_forms(clock, header, chance):
    class Throttled(Exception):
        """As HTTP clients raise it."""

        response = SimpleNamespace(headers={"Retry-After": header})

    policy = RetryPolicy(2, 0.1, max_delay=100, jitter="full")
    assert call_with_retry(Flaky(Throttled()), policy, clock=clock, random=lambda: chance) == "fine"
    assert 90 <= clock.sleeps[0] <= 90 * 1.05


def test_it_goes_before_a_longer_wait_that_was_planned(clock):
    call_with_retry(Flaky(NetworkError("429", retry_after=0.1)), clock=clock, random=lambda: 0.5)
    assert clock.sleeps == [pytest.approx(0.1025)]


def test_who_asks_for_no_wait_gets_the_planned_one(clock):
    call_with_retry(Flaky(NetworkError("429", retry_after=0)), clock=clock)
    assert clock.sleeps == [1]


def test_where_more_is_asked_for_than_the_longest_wait_there_is_no_further_attempt(clock):
    flaky = Flaky(NetworkError("429", retry_after=61))
    with pytest.raises(NetworkError):
        call_with_retry(flaky, clock=clock)
    assert (flaky.calls, clock.sleeps) == (1, [])


def test_no_wait_is_begun_that_would_end_after_the_deadline(clock):
    flaky = Flaky(Down(), Down(), Down())
    with pytest.raises(Down), deadline(2.5, clock):
        call_with_retry(flaky, clock=clock)
    assert clock.sleeps == [1], "after 1 s, 1.5 s are left: too little for a wait of 2 s"


def test_a_deadline_error_of_one_attempt_is_tried_again(clock):
    assert call_with_retry(Flaky(DeadlineExceededError("slow")), clock=clock) == "fine"


def test_a_budget_that_is_used_up_ends_the_retries(clock):
    budget = RetryBudget(0.2, 1, clock=clock)
    flaky = Flaky(Down(), Down())
    with pytest.raises(Down):
        call_with_retry(flaky, clock=clock, budget=budget)
    assert flaky.calls == 2


def test_whoever_may_say_no_is_asked_before_the_wait(clock):
    flaky = Flaky(Down())
    with pytest.raises(Down):
        call_with_retry(flaky, clock=clock, may_retry=lambda: False)
    assert clock.sleeps == []


def test_each_planned_retry_is_told(clock):
    told = []
    error = Down()
    call_with_retry(Flaky(error), clock=clock, on_retry=lambda *event: told.append(event))
    assert told == [(1, 1, error)]


def test_the_decorator_counts_calls_for_its_budget(clock):
    budget = RetryBudget(1.0, 0, clock=clock)

    @retry_with_backoff(max_attempts=5, clock=clock, budget=budget)
    def fails():
        raise Down

    with pytest.raises(Down):
        fails()
    assert len(clock.sleeps) == 1, "one call, ratio one: one retry"


def test_the_smallest_numbers_are_taken(clock):
    policy = RetryPolicy(1, 0, 1, 0)
    with pytest.raises(Down):
        call_with_retry(Flaky(Down()), policy, clock=clock)
    assert clock.sleeps == []


def test_exactly_the_longest_wait_may_be_asked_for(clock):
    flaky = Flaky(NetworkError("429", retry_after=60))
    assert call_with_retry(flaky, clock=clock, random=lambda: 0.0) == "fine"
    assert clock.sleeps == [60]


def test_a_wait_that_leaves_no_time_for_the_attempt_is_not_begun(clock):
    with pytest.raises(Down), deadline(1, clock):
        call_with_retry(Flaky(Down()), clock=clock)
    assert clock.sleeps == []


@pytest.mark.parametrize(
    "given_",
    [
        {"max_attempts": 0},
        {"initial_delay": -1},
        {"max_delay": -1},
        {"backoff_factor": 0.5},
        {"jitter": "wild"},
    ],
)
def test_numbers_that_make_no_sense_are_refused(given_):
    with pytest.raises(ValueError, match=r"must"):
        retry_with_backoff(**given_)
