"""What a worker counts in, with what the others count.

Own calls decide at once. What the others tell arrives a moment later, in the background, and is never asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.resilience.window import Consecutive, CountWindow, TimeWindow, Window, WindowStats

Json = dict[str, Any]
Note = Callable[[], None]


class FleetConsecutive(Consecutive):
    """Failures in a row in the whole fleet.

    A worker's own run counts until its own next success, so it opens the circuit as it would alone. Failures of
    several workers are one run, which ends with a success of any of them. `failures` is the sum; where it is 0 a
    success has nothing to do, which keeps the breaker's fast path.

    Args:
        threshold: failures in a row that are enough.
        note: called when there is something to tell the others.
    """

    def __init__(self, threshold: int, note: Note) -> None:
        super().__init__(threshold)
        self._note = note
        self.own = 0
        self.others = 0
        self._run = 0
        self._told = 0  # of our own, how many the server knows
        self._past = 0  # of these, how many belong to runs that have ended elsewhere
        self._succeeded = False
        self._successes = 0

    def record(self, failed: bool, slow: bool) -> bool:
        """Take in one call and tell whether our own failures are enough to open."""
        if failed:
            self.own += 1
            self.failures = self.own + self.others
            self._note()
            return self.own >= self.threshold
        if self.failures:
            self._succeeded = True
            self._successes += 1
            self.own = self.others = self.failures = self._told = self._past = 0
            self._note()
        return False

    def fresh(self) -> FleetConsecutive:
        """Return an empty window alike."""
        return FleetConsecutive(self.threshold, self._note)

    def limits(self) -> Json:
        """Return what the server needs to judge."""
        return {"threshold": self.threshold}

    def bucket(self) -> Json | None:
        """Return what is to be told, None where that is nothing."""
        if not (self.own or self._succeeded):
            return None
        return {
            "calls": self.own,
            "failures": self.own - self._past,
            "slow": 0,
            "fresh": self.own - self._told,
            "run": self._run,
            "succeeded": self._succeeded,
        }

    def mark(self) -> tuple[int, int, int]:
        """Return where we are, to be given back to `told` with the reply."""
        return self.own, self._successes, self._run

    def told(self, mark: tuple[int, int, int], reply: Json) -> None:
        """Take in that the server knows what the bucket held, and what it has of the others."""
        own, successes, run = mark
        if successes == self._successes:
            if self._run > reply["run"]:
                self._past = own  # a message was faster: the run that this was counted in has ended since
            elif reply["run"] != run and self._run == run and not self._succeeded:
                self._past = self._told  # ours was of an older run: only what was fresh was counted
            self._told = own
            self._succeeded = False
        self._run = max(self._run, reply["run"])
        self._hear(reply["others"]["failures"])

    def heard(self, run: int, everyone: Json) -> bool:
        """Take in a message about all counts; tell whether it asks for ours."""
        if run < self._run:
            return False
        if run > self._run:
            self._run, self._past = run, self._told
        self._hear(max(0, everyone["failures"] - (self._told - self._past)))
        return False

    def forget_others(self) -> None:
        """Go by our own view."""
        self._hear(0)

    def _hear(self, others: int) -> None:
        self.others = others
        self.failures = self.own + others


class MergedWindow:
    """A sliding window that adds what the others have in theirs.

    Args:
        inner: our own.
        note: called when there is something to tell the others soon: a failure or a slow call.
    """

    def __init__(self, inner: CountWindow | TimeWindow, note: Note) -> None:
        self._inner = inner
        self._note = note
        self._others = WindowStats(0, 0, 0)
        self._told = False
        self.slow_seconds = inner.slow_seconds
        self.slow_rate = inner.slow_rate

    @property
    def failures(self) -> int:
        """Failures of all."""
        return self._inner.failures + self._others.failures

    def record(self, failed: bool, slow: bool) -> bool:
        """Take in one call and tell whether all together are enough to open."""
        enough = self._inner.record(failed, slow)
        if failed or slow:
            self._note()
        return self._is_enough() if self._others.calls else enough

    def stats(self) -> WindowStats:
        """Return what is in the windows of all."""
        own, others = self._inner.stats(), self._others
        return WindowStats(own.calls + others.calls, own.failures + others.failures, own.slow + others.slow)

    def fresh(self) -> MergedWindow:
        """Return an empty window alike."""
        return MergedWindow(self._inner.fresh(), self._note)

    def limits(self) -> Json:
        """Return what the server needs to judge."""
        inner = self._inner
        limits = {"minimum_calls": inner.minimum_calls, "failure_rate": inner.failure_rate}
        return limits if inner.slow_seconds is None else {**limits, "slow_rate": inner.slow_rate}

    def bucket(self) -> Json | None:
        """Return what is to be told, None where that is nothing."""
        own = self._inner.stats()
        if not own.calls and not self._told:
            return None
        return {"calls": own.calls, "failures": own.failures, "slow": own.slow}

    def mark(self) -> bool:
        """Return whether anything is in it."""
        return self._inner.stats().calls > 0

    def told(self, mark: bool, reply: Json) -> None:
        """Take in that the server knows what the bucket held, and what it has of the others."""
        self._told = mark
        others = reply["others"]
        self._others = WindowStats(others["calls"], others["failures"], others["slow"])

    def heard(self, run: int, everyone: Json) -> bool:
        """Take in a message about all counts; tell whether it asks for ours."""
        return True

    def forget_others(self) -> None:
        """Go by our own view."""
        self._others = WindowStats(0, 0, 0)

    def _is_enough(self) -> bool:
        stats, inner = self.stats(), self._inner
        if stats.calls < inner.minimum_calls:
            return False
        if stats.failure_rate >= inner.failure_rate:
            return True
        return inner.slow_seconds is not None and stats.slow_rate >= inner.slow_rate


FleetWindow = FleetConsecutive | MergedWindow


def merged(window: Window, note: Note) -> Window:
    """Return a window alike that counts with the others; one of another kind stays as it is, each for itself."""
    if isinstance(window, CountWindow | TimeWindow):
        return MergedWindow(window, note)
    return FleetConsecutive(window.threshold, note) if isinstance(window, Consecutive) else window


def horizon_ms(window: FleetWindow, default: float) -> int:
    """Return for how long the bucket of a worker that says no more counts."""
    inner = getattr(window, "_inner", None)
    return int(1000 * (inner.seconds if isinstance(inner, TimeWindow) else default))
