"""The runtime's promises hold in whichever async mode the tests run."""

import contextvars
import threading
import time

import pytest

from backend import runtime
from backend.resilience import current_deadline, deadline

variable = contextvars.ContextVar("variable", default="unset")


def test_spawn_hands_on_the_context_variables():
    variable.set("handed on")
    seen = []
    task = runtime.spawn(lambda: seen.append(variable.get()))
    assert task.wait(5)
    assert seen == ["handed on"]


def test_a_call_in_time_gives_its_result():
    assert runtime.call_with_timeout(5, lambda a, b: a + b, 1, b=2) == 3


def test_a_call_that_takes_too_long_raises_timeout_error():
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0.05, runtime.sleep, 5)
    assert time.monotonic() - began < 4


def test_no_time_left_does_not_call_at_all():
    called = []
    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0, called.append, 1)
    assert called == []


def test_the_functions_own_error_passes_unchanged():
    with pytest.raises(KeyError):
        runtime.call_with_timeout(5, {}.__getitem__, "missing")


def test_an_inner_timer_does_not_end_the_outer_call():
    def inner():
        try:
            runtime.call_with_timeout(0.02, runtime.sleep, 5)
        except TimeoutError:
            return "inner gave up"

    assert runtime.call_with_timeout(5, inner) == "inner gave up"


def test_offload_gives_results_and_errors_of_a_native_thread():
    assert runtime.offload(sum, [1, 2, 3]) == 6
    with pytest.raises(ZeroDivisionError):
        runtime.offload(lambda: 1 / 0)


def test_what_is_offloaded_finds_the_context_variables_and_the_deadline():
    variable.set("handed on")
    with deadline(5) as limit:
        assert runtime.offload(lambda: (variable.get(), current_deadline())) == ("handed on", limit)


def test_offload_lets_the_others_run():
    if runtime.mode() == "threading":
        pytest.skip("a thread blocks nobody")
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(1)
            runtime.sleep(0.01)

    runtime.spawn(tick)
    runtime.offload(_block, 0.2)
    stop.set()
    assert len(ticks) >= 2  # blocked, there would be one at most


def _block(seconds):
    """Block the native thread without the patched sleep."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(100))


def test_cancellations_and_timeouts_are_told_apart():
    assert runtime.is_cancellation(GeneratorExit())
    assert runtime.is_cancellation(KeyboardInterrupt())
    assert not runtime.is_cancellation(TimeoutError())
    assert runtime.is_timeout(TimeoutError())
    assert not runtime.is_timeout(ValueError())


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="asyncio"):
        runtime.patch("asyncio")
