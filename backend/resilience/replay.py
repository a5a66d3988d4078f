"""Replays recorded calls through a breaker, on virtual time, and counts what it would have done."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.resilience.admitted import AdmittedCall
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.clock import Clock
from backend.resilience.events import BreakerChanged, Listeners
from backend.resilience.recorded import RecordedCall
from backend.resilience.rejection import CallRejectedError


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration to be tried: its name, and what makes a breaker of it on a clock, telling these listeners."""

    name: str
    make: Callable[[Clock, Listeners], CircuitBreaker]


@dataclass(slots=True)
class Verdict:
    """What a configuration would have done.

    `bad_seconds_saved` is the time that the bad calls which it kept away had taken, `open_seconds` the time in which it
    rejected calls.
    """

    name: str
    calls: int = 0
    trips: int = 0
    good_rejected: int = 0
    bad_let_through: int = 0
    bad_prevented: int = 0
    bad_seconds_saved: float = 0.0
    open_seconds: float = 0.0

    def cost(self, good_weight: float = 1.0, bad_weight: float = 1.0) -> float:
        """Return good calls rejected and bad calls let through as one number; less is better."""
        return self.good_rejected * good_weight + self.bad_let_through * bad_weight


class _Failure(Exception):
    """Stands for whatever a recorded call failed with."""


class _ReplayClock:
    """The time of the recording."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class _Replay:
    """One candidate's run."""

    def __init__(self, candidate: Candidate) -> None:
        self.verdict = Verdict(candidate.name)
        self._clock = _ReplayClock()
        self._break: tuple[float, float] | None = None
        self._under_way: list[tuple[float, int, AdmittedCall, bool]] = []
        listeners = Listeners()
        listeners.subscribe(self._changed, BreakerChanged)
        self._breaker = candidate.make(self._clock, listeners)

    def begin(self, number: int, call: RecordedCall) -> None:
        """Offer the breaker a call, after the ends of those that ended before it."""
        self.settle(call.at)
        self._clock.time = call.at
        verdict = self.verdict
        verdict.calls += 1
        try:
            admitted = self._breaker.begin()
        except CallRejectedError:
            verdict.good_rejected += call.ok
            verdict.bad_prevented += not call.ok
            verdict.bad_seconds_saved += 0.0 if call.ok else call.seconds
            return
        verdict.bad_let_through += not call.ok
        heapq.heappush(self._under_way, (call.at + call.seconds, number, admitted, call.ok))

    def settle(self, until: float) -> None:
        """End the calls whose time has come."""
        while self._under_way and self._under_way[0][0] <= until:
            at, _, admitted, ok = heapq.heappop(self._under_way)
            self._clock.time = max(self._clock.time, at)
            if ok:
                admitted.succeeded()
            else:
                admitted.failed(_Failure())

    def finish(self, at: float) -> Verdict:
        """End everything and return the verdict."""
        self.settle(float("inf"))
        self._count_open(at)
        return self.verdict

    def _changed(self, event: BreakerChanged) -> None:
        if event.new == "open":
            self.verdict.trips += 1
            self._break = (self._clock.time, self._clock.time + (event.retry_after or 0.0))
        else:
            self._count_open(self._clock.time)

    def _count_open(self, until: float) -> None:
        """Take in a break: after its end nothing is rejected, however long nobody calls."""
        if self._break is not None:
            began, ends = self._break
            self.verdict.open_seconds += min(until, ends) - began
            self._break = None


def replay(calls: Iterable[RecordedCall], candidates: Iterable[Candidate]) -> list[Verdict]:
    """Return for each candidate what it would have done, in their order.

    Calls overlap as they did: each is offered when it began and settled when it ended. A rejected call is taken to have
    ended as it was recorded.
    """
    ordered = sorted(calls, key=lambda call: call.at)
    end = max((call.at + call.seconds for call in ordered), default=0.0)
    verdicts = []
    for candidate in candidates:
        run = _Replay(candidate)
        for number, call in enumerate(ordered):
            run.begin(number, call)
        verdicts.append(run.finish(end))
    return verdicts
