"""Calls that keep the time by themselves: in threading mode they need no other thread."""

import threading
import time

import pytest

from backend import runtime
from backend.errors import DeadlineExceededError
from backend.resilience import Guards, Policy, current_deadline

IN_THREADS = runtime.mode() == "threading"


@pytest.fixture
def guards(clock):
    return Guards(clock=clock)


@pytest.fixture
def cooperative(guards):
    return guards.add("http", feature="intel", policy=Policy(timeout=2, attempts=1, cooperative=True))


def test_only_in_threading_mode_is_another_call_handed_to_another_thread(guards, cooperative):
    usual = guards.add("usual", feature="intel", policy=Policy(attempts=1))
    here = threading.get_ident()
    assert cooperative.call(threading.get_ident) == here
    assert (usual.call(threading.get_ident) == here) is not IN_THREADS


def test_the_policy_decides_who_keeps_the_time(guards, cooperative, monkeypatch):
    used = []
    for name in ("call_cooperatively", "call_with_timeout"):
        monkeypatch.setattr(runtime, name, lambda _, func, *args, name=name: used.append(name) or func(*args))
    for number, wanted in enumerate([True, False]):
        guard = guards.add(f"n{number}", feature="intel", policy=Policy(cooperative=wanted))
        assert guard.call(lambda: "fine") == "fine"
        assert list(guard.stream(lambda: iter("ab"))) == ["a", "b"]
    assert used == ["call_cooperatively"] * 4 + ["call_with_timeout"] * 4


def test_it_finds_its_deadline_and_what_it_gives_back(cooperative):
    assert cooperative.call(lambda a, b: (a, b, current_deadline().remaining()), 1, b=2) == (1, 2, 2)
    assert cooperative.call(lambda: current_deadline().remaining(), deadline=0.5) == 0.5


def test_its_own_timeout_is_a_failure_and_told_as_one(cooperative):
    def give_up():
        raise TimeoutError("the socket has waited long enough")

    with pytest.raises(DeadlineExceededError, match="http"):
        cooperative.call(give_up)
    assert cooperative.breaker.failure_count == 1


def test_without_time_it_is_not_called(cooperative):
    with pytest.raises(DeadlineExceededError):
        cooperative.call(pytest.fail, deadline=0)
    with pytest.raises(TimeoutError, match="no time"):
        runtime.call_cooperatively(0, pytest.fail)


@pytest.mark.skipif(IN_THREADS, reason="there it keeps the time by itself")
def test_event_loops_interrupt_it_all_the_same():
    guard = Guards().add("http", feature="intel", policy=Policy(timeout=0.02, attempts=1, cooperative=True))
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        guard.call(time.sleep, 30)
    assert time.monotonic() - started < 20


def test_so_do_the_items_of_a_stream(guards, cooperative):
    def items():
        yield threading.get_ident()
        yield current_deadline().remaining()

    assert list(cooperative.stream(items)) == [threading.get_ident(), 2]
    usual = guards.add("usual", feature="intel", policy=Policy(attempts=1))
    assert (next(usual.stream(items)) == threading.get_ident()) is not IN_THREADS
