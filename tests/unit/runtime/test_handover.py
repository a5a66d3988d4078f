"""Calls handed to another thread, which is how timeouts are kept in threading mode."""

import contextvars
import gc
import threading
import time
import weakref

import pytest

from backend import runtime
from backend.runtime import handover
from backend.runtime.handover import Handover

pytestmark = pytest.mark.skipif(runtime.mode() != "threading", reason="runs in the threading lane of the kit")
VARIABLE = contextvars.ContextVar("variable", default="nothing")


def test_results_arguments_and_errors_pass():
    calls = Handover()
    assert calls.call(5, lambda *args, **kwargs: (args, kwargs), (1, 2), {"three": 3}) == ((1, 2), {"three": 3})
    error = LookupError("its own")

    def fail():
        raise error

    with pytest.raises(LookupError) as raised:
        calls.call(5, fail, (), {})
    assert raised.value is error


def test_the_callers_context_variables_are_seen_and_not_changed():
    VARIABLE.set("the caller's")

    def look():
        seen = VARIABLE.get()
        VARIABLE.set("the call's")
        return seen

    assert Handover().call(5, look, (), {}) == "the caller's"
    assert VARIABLE.get() == "the caller's"


def test_calls_one_after_the_other_take_the_same_parked_thread():
    calls = Handover()
    used = {calls.call(5, threading.get_ident, (), {}) for _ in range(50)}
    assert len(used) == calls.alive == 1


def test_a_call_over_its_time_is_left_to_itself_and_its_thread_works_again_afterwards():
    calls = Handover()
    go_on, ended = threading.Event(), threading.Event()

    def hang():
        go_on.wait(30)
        ended.set()
        return "too late"

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        calls.call(0.05, hang, (), {})
    assert time.monotonic() - started < 20
    assert calls.call(5, lambda: "another thread", (), {}) == "another thread"
    assert calls.alive == 2
    go_on.set()
    assert ended.wait(10)
    assert calls.call(5, lambda: "in time", (), {}) == "in time"
    assert calls.alive == 2


def test_there_is_an_end_to_the_threads_that_hang():
    calls = Handover(most=2)
    go_on = threading.Event()
    for _ in range(2):
        with pytest.raises(TimeoutError, match="timed out"):
            calls.call(0.01, go_on.wait, (30,), {})
    with pytest.raises(TimeoutError, match="hang"):
        calls.call(5, time.monotonic, (), {})
    go_on.set()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            assert calls.call(5, lambda: "again", (), {}) == "again"
            break
        except TimeoutError:
            time.sleep(0.01)
    else:
        pytest.fail("the threads did not come back")


def test_threads_of_a_burst_end_when_it_is_over(monkeypatch):
    monkeypatch.setattr(handover, "_PARKED", 2)
    calls = Handover()
    together = threading.Barrier(6)
    tasks = [runtime.spawn(calls.call, 20, together.wait, (), {}) for _ in range(6)]
    assert all(task.wait(20) for task in tasks)
    deadline = time.monotonic() + 20
    while calls.alive > 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert calls.alive == 2


def test_a_thread_that_the_system_refuses_is_a_timeout_and_is_not_counted(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    calls = Handover()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(TimeoutError, match="no thread"):
        calls.call(5, time.monotonic, (), {})
    assert calls.alive == 0


def test_a_hanging_call_does_not_keep_the_process_from_ending():
    calls = Handover()
    assert calls.call(5, lambda: threading.current_thread().daemon, (), {})


def test_an_error_keeps_nothing_alive_that_the_call_held():
    class Big:
        """Something to be freed."""

    def fail():
        big = Big()
        alive.append(weakref.ref(big))
        raise LookupError

    calls, alive = Handover(), []
    gc.disable()
    try:
        with pytest.raises(LookupError):
            calls.call(5, fail, (), {})
        calls.call(5, lambda: None, (), {})
        assert alive[0]() is None, "freed without the garbage collector: there is no circle"
    finally:
        gc.enable()


def test_a_very_long_timeout_is_none():
    assert Handover().call(1e300, lambda: "fine", (), {}) == "fine"
