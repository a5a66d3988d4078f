"""What a worker counts in, with what the others count.

Own calls decide at once. What the others tell arrives a moment later, in the background, and is never asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.resilience.window import Consecutive, CountWindow, TimeWindow, Window, WindowStats, _RateWindow

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


class MergedWindow(_RateWindow):
    """A sliding window that adds what the others have in theirs.

    Whether it is enough is asked after each call anyway, so that is where the others come in: a healthy call costs
    what it costs alone.
    """

    def _join(self, note: Note) -> None:
        """Begin to count with the others; `note` is called when there is something to tell them soon."""
        self._note = note
        self._noted = (0, 0)  # the failures and slow calls that the others know of, or will soon
        self._told = False
        self._hear(WindowStats(0, 0, 0))

    def _own(self) -> WindowStats:
        raise NotImplementedError

    @property
    def failures(self) -> int:
        """Failures of all."""
        return self._own().failures + self._others.failures

    def stats(self) -> WindowStats:
        """Return what is in the windows of all."""
        own, others = self._own(), self._others
        return WindowStats(own.calls + others.calls, own.failures + others.failures, own.slow + others.slow)

    def limits(self) -> Json:
        """Return what the server needs to judge."""
        limits = {"minimum_calls": self.minimum_calls, "failure_rate": self.failure_rate}
        return limits if self.slow_seconds is None else {**limits, "slow_rate": self.slow_rate}

    def bucket(self) -> Json | None:
        """Return what is to be told, None where that is nothing."""
        own = self._own()
        if not own.calls and not self._told:
            return None
        self._noted = (own.failures, own.slow)
        return {"calls": own.calls, "failures": own.failures, "slow": own.slow}

    def mark(self) -> bool:
        """Return whether anything is in it."""
        return self._own().calls > 0

    def told(self, mark: bool, reply: Json) -> None:
        """Take in that the server knows what the bucket held, and what it has of the others."""
        self._told = mark
        others = reply["others"]
        self._hear(WindowStats(others["calls"], others["failures"], others["slow"]))

    def heard(self, run: int, everyone: Json) -> bool:
        """Take in a message about all counts; tell whether it asks for ours."""
        return True

    def forget_others(self) -> None:
        """Go by our own view."""
        self._hear(WindowStats(0, 0, 0))

    def _is_enough(self) -> bool:
        """Tell whether all together are enough to open; asked after each call."""
        if not (self._failures or self._slow or self._others_are_bad):
            return False
        if (self._failures, self._slow) != self._noted:
            self._noted = (self._failures, self._slow)
            self._note()
        others = self._others
        calls = self._calls + others.calls
        if calls < self.minimum_calls:
            return False
        if (self._failures + others.failures) / calls >= self.failure_rate:
            return True
        return self.slow_seconds is not None and (self._slow + others.slow) / calls >= self.slow_rate

    def _hear(self, others: WindowStats) -> None:
        self._others = others
        self._others_are_bad = others.failures > 0 or others.slow > 0


class MergedCountWindow(MergedWindow, CountWindow):
    """The last calls of each worker.

    Args:
        like: the window of one process.
        note: called when there is something to tell the others soon: failures or slow calls.
    """

    def __init__(self, like: CountWindow, note: Note) -> None:
        CountWindow.__init__(
            self,
            like.size,
            like.failure_rate,
            slow_rate=like.slow_rate,
            slow_seconds=like.slow_seconds,
            minimum_calls=like.minimum_calls,
        )
        self._join(note)

    def fresh(self) -> MergedCountWindow:
        """Return an empty window alike."""
        return MergedCountWindow(self, self._note)

    def _own(self) -> WindowStats:
        return CountWindow.stats(self)


class MergedTimeWindow(MergedWindow, TimeWindow):
    """The last seconds of each worker.

    Args:
        like: the window of one process.
        note: called when there is something to tell the others soon: failures or slow calls.
    """

    def __init__(self, like: TimeWindow, note: Note) -> None:
        TimeWindow.__init__(
            self,
            like.seconds,
            like.failure_rate,
            slow_rate=like.slow_rate,
            slow_seconds=like.slow_seconds,
            minimum_calls=like.minimum_calls,
            buckets=like.buckets,
            clock=like._clock,
        )
        self._join(note)

    def fresh(self) -> MergedTimeWindow:
        """Return an empty window alike."""
        return MergedTimeWindow(self, self._note)

    def _own(self) -> WindowStats:
        return TimeWindow.stats(self)


FleetWindow = FleetConsecutive | MergedWindow


def merged(window: Window, note: Note) -> Window:
    """Return a window alike that counts with the others; one of another kind stays as it is, each for itself."""
    if isinstance(window, CountWindow):
        return MergedCountWindow(window, note)
    if isinstance(window, TimeWindow):
        return MergedTimeWindow(window, note)
    return FleetConsecutive(window.threshold, note) if isinstance(window, Consecutive) else window


def horizon_ms(window: FleetWindow, default: float) -> int:
    """Return for how long the bucket of a worker that says no more counts."""
    return int(1000 * (window.seconds if isinstance(window, TimeWindow) else default))
