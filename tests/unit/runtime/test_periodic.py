"""Periodic work goes on, whatever one round does."""

from __future__ import annotations

import logging

import pytest

from backend.runtime.periodic import periodically


class Rounds:
    """Is stopped after so many waits, and notes them."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds
        self.waits: list[float] = []

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        self.left -= 1
        return self.left <= 0


def test_it_works_at_once_and_after_each_pause_until_it_is_stopped() -> None:
    rounds, done = Rounds(3), []
    periodically(lambda: done.append(1), 5.0, rounds, logging.getLogger("jupiter.test"))
    assert (done, rounds.waits) == ([1, 1, 1], [5.0] * 3)


def test_a_fault_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def work() -> None:
        done.append(1)
        if len(done) == 1:
            raise RuntimeError("boom")

    periodically(work, 1.0, Rounds(2), logging.getLogger("jupiter.test"))
    assert done == [1, 1]
    assert [(record.levelname, record.exc_info is not None) for record in caplog.records] == [("ERROR", True)]
    assert "tried again in 1 s" in caplog.text


def test_what_ends_the_process_ends_the_loop_too() -> None:
    def work() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        periodically(work, 1.0, Rounds(2), logging.getLogger("jupiter.test"))
