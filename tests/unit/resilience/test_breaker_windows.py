"""The circuit breaker by rates and durations: sliding windows, slow calls, longer breaks."""

import pytest

from backend.resilience import CircuitBreaker, CountWindow, TimeWindow
from tests.unit.resilience.calls import Down, fail, fine
from tests.unit.resilience.green import GreenTimeout
from tests.unit.resilience.overtaken import overtaken


def raising(error):
    def func():
        raise error

    return func


def test_breaks_grow_until_it_has_been_closed(clock):
    breaker = CircuitBreaker(1, 10, growth=2, max_timeout=35, clock=clock)
    fail(breaker)
    breaks = []
    for _ in range(3):
        breaks.append(breaker.retry_after)
        clock.advance(breaker.retry_after)
        fail(breaker)
    assert [*breaks, breaker.retry_after] == [10, 20, 35, 35]
    clock.advance(35)
    breaker.call(fine)
    fail(breaker)
    assert breaker.retry_after == 10


def test_a_failure_rate_opens_it_in_a_count_window(clock):
    breaker = CircuitBreaker(window=CountWindow(20, 0.5, minimum_calls=10), clock=clock)
    for _ in range(5):
        breaker.call(fine)
        fail(breaker)
    assert breaker.state == "open"


def test_slow_calls_open_it_and_a_timeout_is_slow(clock):
    breaker = CircuitBreaker(window=CountWindow(4, slow_rate=1.0, slow_seconds=2, minimum_calls=2), clock=clock)
    breaker.call(clock.sleep, 2)
    assert breaker.stats.slow == 1
    with pytest.raises(GreenTimeout):
        breaker.call(raising(GreenTimeout()))
    assert breaker.state == "open"


@pytest.mark.parametrize("begin", ["call", "begin"])
def test_slowness_is_measured_from_the_beginning_of_the_call(clock, begin):
    clock.advance(1000)
    breaker = CircuitBreaker(window=CountWindow(10, slow_seconds=2, minimum_calls=5), clock=clock)
    for seconds in (1.9, 2):
        if begin == "call":
            breaker.call(clock.sleep, seconds)
        else:
            call = breaker.begin()
            clock.advance(seconds)
            call.succeeded()
    assert breaker.stats.slow == 1


def test_a_slow_failure_is_slow_and_a_failure(clock):
    breaker = CircuitBreaker(window=CountWindow(10, slow_seconds=2, minimum_calls=5), clock=clock)

    def slow_failure():
        clock.advance(2)
        raise Down

    fail(breaker, func=slow_failure)
    assert (breaker.stats.slow, breaker.stats.failures) == (1, 1)


def test_what_the_window_holds_is_empty_while_it_is_not_closed(clock):
    breaker = CircuitBreaker(window=CountWindow(10, minimum_calls=1), clock=clock)
    breaker.call(fine)
    assert breaker.stats.calls == 1
    fail(breaker)
    assert (breaker.stats.calls, breaker.state) == (0, "open")


def test_of_several_probes_the_share_of_slow_ones_decides_and_breaks_grow(clock):
    window = CountWindow(10, slow_rate=0.5, slow_seconds=2, minimum_calls=1)
    breaker = CircuitBreaker(timeout=10, window=window, permits=4, growth=2, clock=clock)
    fail(breaker)
    clock.advance(10)
    breaker.call(clock.sleep, 2)
    assert breaker.state == "half_open", "one of four is less than half"
    breaker.call(clock.sleep, 2)
    assert (breaker.state, breaker.retry_after) == ("open", 20)
    clock.advance(20)
    for seconds in (2, 1, 1, 1):
        breaker.call(clock.sleep, seconds)
    assert breaker.state == "closed"


def test_a_slow_probe_opens_it_again(clock):
    breaker = CircuitBreaker(timeout=60, window=CountWindow(4, slow_seconds=2, minimum_calls=1), clock=clock)
    fail(breaker)
    clock.advance(60)
    breaker.call(clock.sleep, 3)
    assert breaker.state == "open"
    clock.advance(60)
    breaker.call(clock.sleep, 1)
    assert breaker.state == "closed"


def test_a_time_window_forgets_old_failures(clock):
    breaker = CircuitBreaker(window=TimeWindow(10, minimum_calls=2, clock=clock), clock=clock)
    fail(breaker)
    clock.advance(11)
    fail(breaker)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


@pytest.mark.parametrize("show", [lambda breaker: breaker.failure_count, lambda breaker: breaker.stats.failures])
def test_who_looks_at_a_window_takes_turns_with_who_counts_in_it(clock, show):
    breaker = CircuitBreaker(window=TimeWindow(60, clock=clock), clock=clock)
    for _ in range(2):
        fail(breaker)
        clock.advance(40)
    seen = []

    def somebody_else_looks():
        seen.append(breaker._control.current.failures)

    overtaken(breaker._control, "lock", somebody_else_looks)
    assert show(breaker) == 1
    assert seen == [1]
