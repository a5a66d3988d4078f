"""When is it enough? What a closed breaker counts, and when it trips.

- `Consecutive`: so many failures in a row. The default; nothing is measured on a healthy call.
- `CountWindow`: failure rate and slow-call rate over the last `size` calls.
- `TimeWindow`: the same over the last `seconds`.

Rates are fractions of 1. A window trips when a rate reaches its threshold and at least `minimum_calls` are in it. A
window is a configuration too: `fresh()` gives an empty one alike. The breaker calls them under its lock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from backend.resilience.clock import SYSTEM_CLOCK, Clock


@dataclass(frozen=True, slots=True)
class WindowStats:
    """What a window holds."""

    calls: int
    failures: int
    slow: int

    @property
    def failure_rate(self) -> float:
        """Failures per call, 0 without calls."""
        return self.failures / self.calls if self.calls else 0.0

    @property
    def slow_rate(self) -> float:
        """Slow calls per call, 0 without calls."""
        return self.slow / self.calls if self.calls else 0.0


class Window(Protocol):
    """What a closed breaker counts in. `slow_seconds` is None where durations do not matter."""

    slow_seconds: float | None
    slow_rate: float

    @property
    def failures(self) -> int: ...

    def record(self, failed: bool, slow: bool) -> bool:
        """Take in one call and tell whether that is enough to open."""

    def stats(self) -> WindowStats: ...

    def fresh(self) -> Window: ...


class Consecutive:
    """Trips after `threshold` failures in a row; any success starts the count anew.

    Raises:
        ValueError: the threshold is below 1.
    """

    slow_seconds: float | None = None
    slow_rate = 1.0

    def __init__(self, threshold: int = 5) -> None:
        if threshold < 1:
            raise ValueError(f"failure_threshold must be at least 1, not {threshold}")
        self.threshold = threshold
        self.failures = 0

    def record(self, failed: bool, slow: bool) -> bool:
        """Take in one call and tell whether that is enough to open."""
        self.failures = self.failures + 1 if failed else 0
        return self.failures >= self.threshold

    def stats(self) -> WindowStats:
        """Return the failures in a row; other calls are not kept."""
        return WindowStats(self.failures, self.failures, 0)

    def fresh(self) -> Consecutive:
        """Return an empty window alike."""
        return Consecutive(self.threshold)


class _RateWindow:
    """The thresholds that both sliding windows share."""

    def __init__(self, failure_rate: float, slow_rate: float, slow_seconds: float | None, minimum_calls: int) -> None:
        for name, rate in (("failure_rate", failure_rate), ("slow_rate", slow_rate)):
            if not 0 < rate <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, not {rate}")
        if minimum_calls < 1:
            raise ValueError(f"minimum_calls must be at least 1, not {minimum_calls}")
        self.failure_rate = failure_rate
        self.slow_rate = slow_rate
        self.slow_seconds = slow_seconds
        self.minimum_calls = minimum_calls
        self._calls = 0
        self._failures = 0
        self._slow = 0

    def _is_enough(self) -> bool:
        calls = self._calls
        if calls < self.minimum_calls or not (self._failures or self._slow):
            return False
        # Divided, not multiplied: 55 / 100 is the same float as 0.55, while 0.55 * 100 lies above 55.
        if self._failures / calls >= self.failure_rate:
            return True
        return self.slow_seconds is not None and self._slow / calls >= self.slow_rate


class CountWindow(_RateWindow):
    """The last `size` calls.

    Args:
        size: how many calls it looks back.
        failure_rate: share of failures that opens.
        slow_rate: share of slow calls that opens, where `slow_seconds` is given.
        slow_seconds: from this duration on a call is slow; one that timed out always is.
        minimum_calls: fewer calls decide nothing; never more than `size`.

    Raises:
        ValueError: a number that makes no sense.
    """

    def __init__(
        self,
        size: int = 100,
        failure_rate: float = 0.5,
        *,
        slow_rate: float = 1.0,
        slow_seconds: float | None = None,
        minimum_calls: int = 10,
    ) -> None:
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size}")
        super().__init__(failure_rate, slow_rate, slow_seconds, min(minimum_calls, size))
        self.size = size
        self._kept: deque[tuple[bool, bool]] = deque()

    @property
    def failures(self) -> int:
        """Failures among the calls kept."""
        return self._failures

    def record(self, failed: bool, slow: bool) -> bool:
        """Take in one call and tell whether that is enough to open."""
        kept = self._kept
        if self._calls == self.size:
            old_failed, old_slow = kept.popleft()
            self._failures -= old_failed
            self._slow -= old_slow
        else:
            self._calls += 1
        kept.append((failed, slow))
        self._failures += failed
        self._slow += slow
        return self._is_enough()

    def stats(self) -> WindowStats:
        """Return what is in the window."""
        return WindowStats(self._calls, self._failures, self._slow)

    def fresh(self) -> CountWindow:
        """Return an empty window alike."""
        return CountWindow(
            self.size,
            self.failure_rate,
            slow_rate=self.slow_rate,
            slow_seconds=self.slow_seconds,
            minimum_calls=self.minimum_calls,
        )


class TimeWindow(_RateWindow):
    """The last `seconds`, in `buckets` slices: a call leaves with its slice.

    Args:
        seconds: how far it looks back.
        failure_rate: share of failures that opens.
        slow_rate: share of slow calls that opens, where `slow_seconds` is given.
        slow_seconds: from this duration on a call is slow; one that timed out always is.
        minimum_calls: fewer calls decide nothing.
        buckets: how finely the time is sliced.
        clock: asked for the time.

    Raises:
        ValueError: a number that makes no sense.
    """

    def __init__(
        self,
        seconds: float = 60.0,
        failure_rate: float = 0.5,
        *,
        slow_rate: float = 1.0,
        slow_seconds: float | None = None,
        minimum_calls: int = 10,
        buckets: int = 60,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if seconds <= 0 or buckets < 1:
            raise ValueError(f"a window of {seconds} s in {buckets} buckets holds nothing")
        super().__init__(failure_rate, slow_rate, slow_seconds, minimum_calls)
        self.seconds = seconds
        self.buckets = buckets
        self._clock = clock
        self._monotonic = clock.monotonic
        self._per_second = buckets / seconds
        self._kept: deque[list[int]] = deque()  # [slice number, calls, failures, slow]

    @property
    def failures(self) -> int:
        """Failures among the calls of the window."""
        self._forget(self._slice())
        return self._failures

    def record(self, failed: bool, slow: bool) -> bool:
        """Take in one call and tell whether that is enough to open."""
        now = self._slice()
        kept = self._kept
        if not kept or kept[-1][0] != now:
            self._forget(now)
            kept.append([now, 0, 0, 0])
        newest = kept[-1]
        newest[1] += 1
        newest[2] += failed
        newest[3] += slow
        self._calls += 1
        self._failures += failed
        self._slow += slow
        return self._is_enough()

    def stats(self) -> WindowStats:
        """Return what is in the window."""
        self._forget(self._slice())
        return WindowStats(self._calls, self._failures, self._slow)

    def fresh(self) -> TimeWindow:
        """Return an empty window alike."""
        return TimeWindow(
            self.seconds,
            self.failure_rate,
            slow_rate=self.slow_rate,
            slow_seconds=self.slow_seconds,
            minimum_calls=self.minimum_calls,
            buckets=self.buckets,
            clock=self._clock,
        )

    def _slice(self) -> int:
        return int(self._monotonic() * self._per_second)

    def _forget(self, now: int) -> None:
        while self._kept and self._kept[0][0] <= now - self.buckets:
            _, calls, failures, slow = self._kept.popleft()
            self._calls -= calls
            self._failures -= failures
            self._slow -= slow
