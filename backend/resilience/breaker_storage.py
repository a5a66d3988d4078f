"""Where the state of a breaker is kept, and the seam at which a fleet comes in.

The breaker decides on a view of its own, plain attributes in memory, so neither a healthy call nor a rejection asks
the storage anything. The storage is told of each change, is asked before a probe, and may push changes that happened
elsewhere with the function it got at `attach`. It is a `pybreaker.CircuitBreakerStorage`, for tools that read one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import pybreaker

from backend.resilience.clock import SYSTEM_CLOCK, Clock

if TYPE_CHECKING:
    from backend.resilience.break_duration import BreakDuration
    from backend.resilience.locks import RLock
    from backend.resilience.window import Window

CLOSED = "closed"
OPEN = "open"
HALF_OPEN = "half_open"
FORCED_OPEN = "forced_open"
DISABLED = "disabled"
METRICS_ONLY = "metrics_only"
STATES = (CLOSED, OPEN, HALF_OPEN, FORCED_OPEN, DISABLED, METRICS_ONLY)

_PYBREAKER_NAMES = {HALF_OPEN: pybreaker.STATE_HALF_OPEN, OPEN: pybreaker.STATE_OPEN, FORCED_OPEN: pybreaker.STATE_OPEN}


def pybreaker_name(state: str) -> str:
    """Return pybreaker's word for a state; those it does not know admit all calls, as its `closed` does."""
    return _PYBREAKER_NAMES.get(state, pybreaker.STATE_CLOSED)


@dataclass(frozen=True, slots=True)
class BreakerRecord:
    """The state of a breaker at one generation; each change makes the next one.

    `open_seconds` is the length of the break, `level` its number since the circuit was closed last, `until` the end of
    an override by a person, `reason` and `author` tell why and who, `manual` that it was a person's decision.
    """

    state: str = CLOSED
    generation: int = 0
    changed_at: datetime | None = None
    open_seconds: float = 0.0
    level: int = 0
    failures: int = 0
    reason: str = ""
    author: str | None = None
    until: datetime | None = None
    manual: bool = False


class BreakerView(Protocol):
    """What a storage sees of the breaker it belongs to."""

    permits: int
    duration: BreakDuration
    lock: RLock
    """Under it the window counts and the state moves; nothing that waits is done under it."""

    @property
    def failure_count(self) -> int: ...

    @property
    def record(self) -> BreakerRecord: ...

    def counting(self) -> Window | None:
        """Return the window in which calls are counted at present, None in a state that does not count."""

    def adopt(self, record: BreakerRecord, *, final: bool = False) -> None:
        """Take over a state that was decided elsewhere, if it is newer than one's own; where `final`, or as new."""

    def renumber(self, record: BreakerRecord) -> None:
        """Take over a newer number for the state that is in force already."""


class BreakerStorage(pybreaker.CircuitBreakerStorage):
    """The seam. This base keeps one record in memory; a fleet's storage overrides `save`, `lease` and `observe`.

    Args:
        name: of this storage.
        clock: stamps what is set through pybreaker's protocol.
    """

    observes: bool = False
    """Whether `observe` wants each counted call. It costs the breaker its fast path; leave it False where it may."""

    def __init__(self, name: str = "memory", clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(name)
        self._clock = clock
        self._record = BreakerRecord()
        self._view: BreakerView | None = None

    def counted_in(self, window: Window) -> Window:
        """Return the window that the breaker counts in; a fleet's storage adds what other processes count."""
        return window

    def attach(self, view: BreakerView) -> BreakerRecord:
        """Get to know the breaker; returns the record that it starts from."""
        self._view = view
        return self._record

    def save(self, record: BreakerRecord) -> None:
        """Keep a change. Called outside every lock, in the order of the changes; may raise, which is logged only."""
        self._record = record

    def lease(self, record: BreakerRecord, seconds: float) -> bool:
        """Tell whether this process may send a probe now, holding it for at most `seconds`. Memory: always."""
        return True

    def held_for(self) -> float:
        """Return the seconds for which others are known to hold every permit to probe; 0 where none is known to."""
        return 0.0

    def renew(self) -> None:
        """Hold the permit on: a long probe has shown that it lives."""

    def release(self, succeeded: bool) -> None:
        """Take back the permit of a probe that has ended without deciding the state."""

    def observe(self, failed: bool, slow: bool) -> None:
        """Take in one counted call, where `observes` says so."""

    @property
    def record(self) -> BreakerRecord:
        """Return the last record saved."""
        return self._record

    @property
    def state(self) -> str:
        """Return the state in pybreaker's words."""
        return pybreaker_name(self.record.state)

    @state.setter
    def state(self, state: str) -> None:
        """Move the breaker, with pybreaker's or the kit's word for the state."""
        word = state.replace("-", "_")
        if word not in STATES:
            raise ValueError(f"unknown state {state!r}, valid are {', '.join(STATES)}")
        self._push(replace(self.record, state=word, changed_at=self._clock.now()))

    @property
    def counter(self) -> int:
        """Return the failures counted at present."""
        return self._view.failure_count if self._view else 0

    @property
    def success_counter(self) -> int:
        """Return 0: probes are counted by the half-open state alone, nobody reads them here."""
        return 0

    @property
    def opened_at(self) -> datetime | None:
        """Return when the circuit was opened, None while it is closed."""
        return None if self.record.state == CLOSED else self.record.changed_at

    @opened_at.setter
    def opened_at(self, moment: datetime) -> None:
        """Move the beginning of the break."""
        self._push(replace(self.record, changed_at=moment))

    def _push(self, record: BreakerRecord) -> None:
        newer = replace(record, generation=self._record.generation + 1)
        self._record = newer
        if self._view is not None:
            self._view.adopt(newer)
