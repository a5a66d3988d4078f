"""One breaker under many greenlets or threads, in whichever mode the tests run."""

import contextlib
import threading
import time

import pytest

from backend import runtime
from backend.errors import CircuitBreakerOpenError
from backend.resilience import CircuitBreaker, CountWindow, Listeners
from tests.unit.resilience.calls import Down, fail, fine


def together(count, func):
    """Run `func` so many times at once and return what came of each."""
    results = []

    def run():
        try:
            results.append(func())
        except Exception as error:  # noqa: BLE001 - handed on as a result
            results.append(error)

    tasks = [runtime.spawn(run) for _ in range(count)]
    assert all(task.wait(5) for task in tasks)
    return results


def wait_until(condition, seconds=3):
    """Wait for a condition, at most so long; what follows asserts."""
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.002)


def test_calls_run_at_the_same_time_because_no_lock_is_held_over_them():
    breaker = CircuitBreaker()
    started = time.monotonic()
    together(10, lambda: breaker.call(time.sleep, 0.1))
    assert time.monotonic() - started < 0.9, "ten calls of 0.1 s one after the other would take 1 s"


def test_in_half_open_one_of_many_probes_at_once():
    breaker = CircuitBreaker(1, 0.01)
    fail(breaker)
    time.sleep(0.02)
    calls, rejected = [], []

    def probe():
        calls.append(1)
        wait_until(lambda: len(rejected) == 19)

    def call():
        try:
            breaker.call(probe)
        except CircuitBreakerOpenError as error:
            rejected.append(error)

    together(20, call)
    assert (len(calls), len(rejected)) == (1, 19)
    assert breaker.state == "closed"


def test_a_listener_that_waits_does_not_hold_other_calls_up():
    listeners = Listeners()
    release = threading.Event()
    listeners.subscribe(lambda _: release.wait(5))
    breaker = CircuitBreaker(1, 60, listeners=listeners)
    failing = runtime.spawn(fail, breaker)
    time.sleep(0.02)
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(fine)
    assert not failing.wait(0.01), "the listener still waits"
    release.set()
    assert failing.wait(5)


def test_a_killed_prober_gives_its_permit_back_at_once():
    if runtime.mode() == "threading":
        pytest.skip("threads cannot be killed")
    breaker = CircuitBreaker(1, 0.01)
    fail(breaker)
    time.sleep(0.02)
    prober = runtime.spawn(breaker.call, time.sleep, 5)
    time.sleep(0.01)
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(fine)
    prober.kill()
    assert prober.wait(5)
    assert breaker.call(fine) == "fine"


def test_a_timer_around_a_call_counts_as_its_failure():
    breaker = CircuitBreaker(1, 60)
    with pytest.raises(TimeoutError):
        breaker.call(runtime.call_with_timeout, 0.02, time.sleep, 1)
    assert breaker.state == "open"


def test_a_timer_inside_a_guarded_block_counts_as_its_failure():
    if runtime.mode() == "threading":
        pytest.skip("threads cannot be interrupted")
    breaker = CircuitBreaker(1, 60)
    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0.02, breaker.call, time.sleep, 1)
    assert breaker.state == "open"


def test_counts_are_exact_under_many_callers():
    breaker = CircuitBreaker(window=CountWindow(1000, 1.0, minimum_calls=1000))

    def mixed():
        for number in range(50):
            if number % 2:
                fail(breaker)
            else:
                breaker.call(fine)
            if number % 10 == 0:
                time.sleep(0)

    together(8, mixed)
    assert (breaker.stats.calls, breaker.stats.failures) == (400, 200)


def test_blocks_of_concurrent_callers_do_not_mix():
    breaker = CircuitBreaker(100)
    gate = threading.Event()

    def block(fails):
        with contextlib.suppress(Down), breaker:
            gate.wait(1)
            if fails:
                raise Down
        return fails

    opener = runtime.spawn(lambda: (time.sleep(0.02), gate.set()))
    flags = iter([True, True, False, True, True])
    assert sorted(together(5, lambda: block(next(flags)))) == [False, True, True, True, True]
    assert opener.wait(5)
    assert 0 <= breaker.failure_count <= 4
    fail(breaker, 100 - breaker.failure_count)
    assert breaker.state == "open", "every block has settled its own permit"
