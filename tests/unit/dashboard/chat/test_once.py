"""Doing something once by key."""

import pytest

from backend import runtime
from backend.dashboard.once import Once
from backend.errors import RateLimitedError


def test_the_second_caller_gets_the_first_result():
    once, calls = Once(), []
    assert [once.run("k", lambda: calls.append(1) or len(calls)) for _ in range(3)] == [1, 1, 1]


def test_callers_at_the_same_time_share_one_run():
    once, calls, results = Once(), [], []

    def slow():
        calls.append(1)
        for _ in range(5):
            runtime.sleep(0)
        return "done"

    tasks = [runtime.spawn(lambda: results.append(once.run("k", slow))) for _ in range(4)]
    for task in tasks:
        task.wait(5)
    assert (results, len(calls)) == (["done"] * 4, 1)


def test_a_failure_is_its_own_callers_and_the_next_tries_again():
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once.run("k", lambda: 1 / 0)
    assert once.run("k", lambda: "worked") == "worked"


def test_who_waits_too_long_is_told_to_come_back():
    once = Once(wait_seconds=0.01)
    with pytest.raises(RateLimitedError):
        once.run("k", lambda: once.run("k", lambda: "never"))


def test_the_oldest_results_are_forgotten():
    once = Once(max_entries=2)
    for key in "abc":
        once.run(key, lambda: "first")
    assert once.run("a", lambda: "again") == "again"
    assert once.run("c", lambda: "again") == "first"
