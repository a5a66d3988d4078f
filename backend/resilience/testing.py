"""For tests of the kit and of everything built on it: time that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A clock for tests: `sleep` returns at once and moves the time on.

    Args:
        start: the wall clock's first answer, aware.
    """

    def __init__(self, start: datetime = _START) -> None:
        self._start = start
        self._elapsed = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds since this clock was made."""
        return self._elapsed

    def now(self) -> datetime:
        """Return `start` plus the time that went by."""
        return self._start + timedelta(seconds=self._elapsed)

    def sleep(self, seconds: float) -> None:
        """Note the wait in `sleeps` and move the time on by it."""
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move the time on.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._elapsed += seconds
