"""The retry budget: retries may be a share of the calls, so that an outage does not multiply the load."""

from __future__ import annotations

from collections import deque

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.locks import RLock


class RetryBudget:
    """Allows retries up to a share of the calls of a sliding window.

    20 % is what Finagle and Envoy use; `minimum` lets a dependency that is rarely called retry at all. A retry counts
    when it is planned, before its wait, so that a hundred callers cannot plan a hundred at once.

    Args:
        ratio: retries per call.
        minimum: retries per window that are allowed whatever the calls.
        window_seconds: how far back calls and retries count.
        buckets: how finely the window is sliced.
        clock: asked for the time.

    Raises:
        ValueError: a number that makes no sense.
    """

    def __init__(
        self,
        ratio: float = 0.2,
        minimum: int = 3,
        window_seconds: float = 60.0,
        *,
        buckets: int = 10,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if ratio < 0 or minimum < 0 or window_seconds <= 0 or buckets < 1:
            raise ValueError("a retry budget needs a ratio and minimum of 0 or more over a window above 0 seconds")
        self.ratio = ratio
        self.minimum = minimum
        self._width = window_seconds / buckets
        self._buckets = buckets
        self._clock = clock
        self._lock = RLock()
        self._kept: deque[list[int]] = deque([[0, 0, 0]])  # [slice number, calls, retries]

    def note_call(self) -> None:
        """Count a call, whatever comes of it; its retries are not calls."""
        with self._lock:
            self._present()[1] += 1

    def try_spend(self) -> bool:
        """Take one retry out of the budget; False where it is used up."""
        with self._lock:
            present = self._present()
            calls, retries = self._totals()
            if retries + 1 > max(self.minimum, self.ratio * calls):
                return False
            present[2] += 1
            return True

    @property
    def available(self) -> int:
        """Return how many retries are left now."""
        with self._lock:
            self._present()
            calls, retries = self._totals()
            return max(0, int(max(self.minimum, self.ratio * calls)) - retries)

    def _present(self) -> list[int]:
        now = int(self._clock.monotonic() / self._width)
        kept = self._kept
        if kept[-1][0] != now:
            kept.append([now, 0, 0])
            while kept[0][0] <= now - self._buckets:
                kept.popleft()
        return kept[-1]

    def _totals(self) -> tuple[int, int]:
        return sum(each[1] for each in self._kept), sum(each[2] for each in self._kept)
