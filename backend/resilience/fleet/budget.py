"""A retry budget that all workers share.

Each worker holds a small reserve of retries that the server has set aside for it, so that a retry asks nobody. What
was called and retried is told in the background, and the reserve is filled up with the answer. Without the server each
worker has the budget of its own calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from backend.resilience.budget import RetryBudget
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.fleet.link import Link
from backend.resilience.fleet.server import Json, Request

_LEASE = 5.0
_AHEAD = 5.0
_SOON = 0.05
_MOST = 1000


class FleetRetryBudget(RetryBudget):
    """Allows retries up to a share of the calls of all workers. Made by `Fleet.budget`.

    Args:
        name: of the dependency; the same in all workers.
        ratio, minimum, window_seconds: as for `RetryBudget`, but over the fleet.
    """

    def __init__(
        self,
        name: str,
        ratio: float = 0.2,
        minimum: int = 3,
        window_seconds: float = 60.0,
        *,
        worker: str,
        link: Link,
        wake: Callable[[float], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(ratio, minimum, window_seconds, clock=clock)
        self._name = name
        self._worker = worker
        self._link = link
        self._wake = wake
        self._window = window_seconds
        self._reserve = 0
        self._reserve_until = 0.0
        self._denied = 0
        self._short = False

    def try_spend(self) -> bool:
        """Take one retry out of the reserve; False where it is used up."""
        with self._lock:
            if not self._link.up:
                return super().try_spend()
            if self._reserve_until < self._clock.monotonic() or self._reserve < 1:
                self._denied += 1
                spent = False
            else:
                self._reserve -= 1
                self._present()[2] += 1
                spent = True
        if self._reserve < 1:
            self._wake(_SOON)
        return spent

    @property
    def available(self) -> int:
        """Return how many retries are left now, without asking anybody."""
        with self._lock:
            if not self._link.up:
                return super().available
            return self._reserve if self._reserve_until >= self._clock.monotonic() else 0

    def collect(self, poll: bool) -> Iterator[Request]:
        """Yield what we called and retried, with the wish for a reserve."""
        with self._lock:
            if not (poll or self._reserve < 1):
                return
            self._present()
            calls, spent = self._totals()
            want = self._wanted(calls)
            self._reserve = min(self._reserve, want) if self._reserve_until >= self._clock.monotonic() else 0
            told, denied, self._denied = self._reserve, self._denied, 0

        def done(reply: Json) -> None:
            with self._lock:
                self._reserve += reply["share"] - told
                self._reserve_until = self._clock.monotonic() + _LEASE * 0.8
                self._short = reply["short"]

        args = {"worker": self._worker, "calls": calls, "spent": spent, "held": told, "want": want, "denied": denied}
        terms = {"ratio": self.ratio, "minimum": self.minimum}
        times = {"window": round(self._window * 1000), "lease": round(_LEASE * 1000)}
        yield Request("budget", self._name, "share", args | terms | times, done)

    def hear(self, message: Json) -> None:
        """There are no messages about budgets."""

    def alone(self) -> None:
        """The reserve is void: our own calls decide."""
        with self._lock:
            self._reserve = 0

    def _wanted(self, calls: int) -> int:
        """Enough for what we may need until the next answer; who has nothing to do makes room when others are short."""
        if calls == 0 and self._denied == 0:
            return 0 if self._short else 1
        ahead = math.ceil(self.ratio * calls * min(1.0, _AHEAD / self._window))
        return min(_MOST, max(1, ahead) + self._denied)
