"""Timeouts of calls on an event loop, in the mode under test: one timer for all of them."""

import time

import pytest

from backend import runtime

pytestmark = pytest.mark.skipif(runtime.mode() == "threading", reason="threads have no event loop")


def together(*calls):
    """Run the calls at once; return for each its result or error, and the order in which they ended."""
    results, order = {}, []

    def run(number, call):
        try:
            results[number] = call()
        except BaseException as error:  # noqa: BLE001 - handed on as a result
            results[number] = error
        order.append(number)

    tasks = [runtime.spawn(run, number, call) for number, call in enumerate(calls)]
    assert all(task.wait(5) for task in tasks)
    return results, order


def limited(seconds, takes, result="done"):
    def call():
        return runtime.call_with_timeout(seconds, lambda: (time.sleep(takes), result)[1])

    return call


def test_each_call_is_interrupted_at_its_own_time():
    started = time.monotonic()
    results, order = together(limited(0.09, 5), limited(0.03, 5), limited(0.06, 5), limited(1, 0.01))
    assert order == [3, 1, 2, 0]
    assert time.monotonic() - started < 4
    assert results[3] == "done"
    assert all(type(results[number]) is TimeoutError for number in range(3))


def test_a_call_that_begins_later_with_less_time_wakes_the_watchdog_earlier():
    results, order = together(limited(5, 0.1), limited(0.02, 5))
    assert order == [1, 0]
    assert results[0] == "done"


def test_a_call_that_ended_is_not_interrupted_afterwards():
    assert runtime.call_with_timeout(0.02, lambda: "done") == "done"
    time.sleep(0.05)


def test_calls_within_calls_end_with_the_one_whose_time_is_over():
    def inner():
        try:
            return runtime.call_with_timeout(5, time.sleep, 5)
        except TimeoutError:
            pytest.fail("the inner call had time left")

    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"timed out after 0.02 s"):
        runtime.call_with_timeout(0.02, inner)
    assert time.monotonic() - started < 4


def test_an_inner_timeout_leaves_the_outer_call_running():
    def outer():
        with pytest.raises(TimeoutError):
            runtime.call_with_timeout(0.01, time.sleep, 5)
        return "went on"

    assert runtime.call_with_timeout(5, outer) == "went on"


def test_the_interruption_says_whose_timer_it_is():
    seen = []

    def inner():
        try:
            time.sleep(5)
        except BaseException as error:
            seen.append((runtime.is_timeout(error), runtime.is_callers_timer(error), error))
            raise

    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0.01, inner)
    ((is_timeout, is_callers, error),) = seen
    assert is_timeout
    assert is_callers
    assert not runtime.is_callers_timer(error), "after its block has ended"


def test_a_call_that_takes_the_interruption_for_itself_goes_on():
    def stubborn():
        try:
            time.sleep(5)
        except BaseException:  # noqa: BLE001 - what a careless library does
            return "swallowed"

    assert runtime.call_with_timeout(0.01, stubborn) == "swallowed"


def test_an_error_of_one_interrupted_call_does_not_keep_the_others_alive():
    def bad():
        try:
            time.sleep(5)
        finally:
            raise KeyError("on the way out")

    results, _ = together(lambda: runtime.call_with_timeout(0.02, bad), limited(0.02, 5), limited(0.02, 5))
    assert type(results[0]) is KeyError
    assert type(results[1]) is type(results[2]) is TimeoutError


def test_a_killed_call_is_forgotten():
    task = runtime.spawn(runtime.call_with_timeout, 0.03, time.sleep, 5)
    time.sleep(0.01)
    task.kill()
    assert task.wait(5)
    time.sleep(0.05)


def test_results_arguments_and_errors_pass():
    assert runtime.call_with_timeout(5, lambda *a, **k: (a, k), 1, x=2) == ((1,), {"x": 2})
    with pytest.raises(KeyError):
        runtime.call_with_timeout(5, {}.__getitem__, "x")
    with pytest.raises(TimeoutError, match="no time left"):
        runtime.call_with_timeout(0, pytest.fail)


def test_many_calls_keep_no_timer_each():
    before = time.monotonic()
    for _ in range(20_000):
        runtime.call_with_timeout(5, int)
    assert time.monotonic() - before < 2
    hub = runtime._hub()
    assert not hub.jupiter_watchdog._watches
