"""The moves between a breaker's states.

Every move happens under the lock, by replacing `current`. What follows from it (telling the storage and the
listeners) is queued there and carried out afterwards, outside the lock and in order, by `after`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from backend.resilience.break_duration import BreakDuration
from backend.resilience.breaker_states import Closed, Counting, Disabled, ForcedOpen, HalfOpen, MetricsOnly, Open, State
from backend.resilience.breaker_storage import BreakerRecord, BreakerStorage
from backend.resilience.clock import Clock
from backend.resilience.events import BreakerChanged
from backend.resilience.locks import RLock
from backend.resilience.outcome import is_fault
from backend.resilience.redaction import described
from backend.resilience.rejection import CallRejectedError, FailedElsewhereError, without_traceback
from backend.resilience.window import Consecutive, Window

_log = logging.getLogger("jupiter.resilience")
Notify = Callable[[BreakerChanged], None]


class Control:
    """Holds the present state of one breaker and makes its moves."""

    def __init__(
        self,
        *,
        name: str,
        feature: str,
        window: Window,
        duration: BreakDuration,
        permits: int,
        lease_seconds: float,
        clock: Clock,
        storage: BreakerStorage,
        notify: Notify,
    ) -> None:
        self.name = name
        self.feature = feature
        self.window = storage.counted_in(window)
        self.duration = duration
        self.permits = permits
        self.lease_seconds = lease_seconds
        self.monotonic = clock.monotonic
        self.now = clock.now
        self.lock = RLock()
        self.observed = False
        self.observes = storage.observes
        self._storage = storage
        self._notify = notify
        self.pending: deque[tuple[BreakerRecord, BreakerChanged | None, bool]] = deque()
        self._delivering = False
        self.current: State = Closed(self, self.window.fresh())
        self._record = BreakerRecord()
        self.adopt(storage.attach(self))

    # What the states ask

    def is_plain(self, window: Window) -> bool:
        """Tell whether a successful call leaves nothing to do: failures in a row, no durations, nobody watching."""
        return isinstance(window, Consecutive) and not self.observes and not self.observed

    def watch_calls(self, on: bool) -> None:
        """Say whether somebody wants to be told of each call, which takes the fast path away."""
        self.observed = on
        if isinstance(self.current, Closed):
            self.current.plain = self.is_plain(self.current.window)

    def rejection(self, state: State, retry_after: float | None) -> CallRejectedError:
        """Make the error that tells of a rejection."""
        return CallRejectedError(self.name, state.name, retry_after, state.cause)

    def may_probe(self, state: State) -> bool:
        """Ask the storage for the fleet's permit to probe. A storage that fails does not decide."""
        try:
            return self._storage.lease(self._record, self.lease_seconds)
        except BaseException as error:  # a dead storage must not keep a circuit open for ever
            if not is_fault(error):
                raise
            _log.exception("breaker %s: the storage failed on a probe, going by our own view", self.name)
            return self.current is state

    def held_for(self) -> float:
        """Return the seconds for which other processes hold every permit to probe, as far as is known."""
        return self._storage.held_for()

    def probe_lives(self) -> None:
        """Tell the storage that a long probe goes on."""
        self._safely(self._storage.renew)

    def probe_ended(self, succeeded: bool) -> None:
        """Tell the storage that a probe has ended and the circuit stays half-open."""
        self._safely(lambda: self._storage.release(succeeded))

    def override_is_over(self, state: State) -> bool:
        """Close the circuit if `state` is an override whose time is up; tell whether it is not in force any more."""
        if self.current is not state:
            return True
        if state.until is None or self.now() < state.until:
            return False
        with self.lock:
            if self.current is state:
                self.close("override ended")
        self.after()
        return True

    # Moves; the caller holds the lock and calls `after` when it has let go of it

    def open(self, *, level: int, failures: int, error: BaseException | None, reason: str = "") -> None:
        """Open the circuit because of `error`."""
        seconds = self.duration.of(level)
        cause = None if error is None else without_traceback(error)
        told = reason or (described(error) if error is not None else "threshold reached")
        state = Open(self, seconds=seconds, left=seconds, level=level, failures=failures, cause=cause)
        self._move(state, told)

    def close(self, reason: str, author: str | None = None) -> None:
        """Close the circuit with an empty window."""
        self._move(Closed(self, self.window.fresh()), reason, author)

    # Moves that take the lock themselves

    def half_open(self, expected: State) -> State:
        """Go from `expected` to half-open, unless somebody else has moved on already; return what is in force."""
        with self.lock:
            if self.current is expected:
                state = HalfOpen(self, level=expected.level, failures=expected.failures, cause=expected.cause)
                self._move(state, "time to try again")
        self.after()
        return self.current

    def force(self, make: Callable[[], State], reason: str, author: str | None = None) -> None:
        """Put the state that `make` makes in force, whatever is now."""
        with self.lock:
            self._move(make(), reason, author, manual=True)
        self.after()

    def override(self, name: str, reason: str, author: str | None, seconds: float | None) -> None:
        """Put an override in force: forced_open, disabled or metrics_only, for good or for `seconds`."""
        until = None if seconds is None else self.now() + timedelta(seconds=seconds)
        record = BreakerRecord(state=name, reason=reason, author=author, until=until)
        self.force(lambda: self._state_of(record), reason or name, author)

    def adopt(self, record: BreakerRecord, *, final: bool = False) -> None:
        """Take over a state that was decided elsewhere, if it is newer than our own; where `final`, or as new."""
        with self.lock:
            if record.generation < self._record.generation + (not final):
                return
            old = self.current.name
            self.current = self._state_of(record)
            self._record = record
            if old != record.state:
                self.pending.append((record, self._event(old, record), False))
        self.after()

    def renumber(self, record: BreakerRecord) -> None:
        """Take over a newer number for the state that is in force already."""
        with self.lock:
            if record.generation > self._record.generation and record.state == self.current.name:
                self._record = record

    # Consequences

    def after(self, observed: tuple[bool, bool] | None = None) -> None:
        """Carry out what the moves left to do, outside the lock and in their order.

        One caller at a time delivers; what others queue meanwhile is delivered by it. So a listener that is slow
        delays the later events of this breaker, but never lets one overtake another.
        """
        if observed is not None and self.observes:
            self._safely(lambda: self._storage.observe(*observed))
        while self.pending:
            with self.lock:
                if self._delivering or not self.pending:
                    return
                self._delivering = True
            try:
                while self.pending:
                    self._deliver(*self.pending.popleft())
            except BaseException:  # killed while a listener waited: the rest is delivered all the same
                self._delivering = False
                self.after()
                raise
            finally:
                self._delivering = False

    def _deliver(self, record: BreakerRecord, event: BreakerChanged | None, own: bool) -> None:
        try:
            if own:
                self._safely(lambda: self._storage.save(record))
        finally:  # a greenlet killed while it waits for the storage still owes the listeners their event
            if event is not None:
                self._notify(event)

    def _safely(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # the storage must not change the outcome of a call
            if not is_fault(error):
                raise
            _log.exception("breaker %s: the storage failed", self.name)

    def counting(self) -> Window | None:
        """Return the window in which calls are counted at present, None in a state that does not count."""
        return self.current.window if isinstance(self.current, Counting) else None

    @property
    def failure_count(self) -> int:
        """Return the failures that count at present."""
        with self.lock:  # a window over time forgets what is old when it is asked
            return self.current.failures

    @property
    def record(self) -> BreakerRecord:
        """Return the present state as the storage is told it."""
        return self._record

    def _move(self, state: State, reason: str, author: str | None = None, *, manual: bool = False) -> None:
        old = self.current.name
        record = BreakerRecord(
            state=state.name,
            generation=self._record.generation + 1,
            changed_at=self.now(),
            open_seconds=state.open_seconds,
            level=state.level,
            failures=state.failures,
            reason=reason,
            author=author,
            until=state.until,
            manual=manual,
        )
        self.current = state
        self._record = record
        event = self._event(old, record) if old != state.name else None
        self.pending.append((record, event, True))

    def _event(self, old: str, record: BreakerRecord) -> BreakerChanged:
        return BreakerChanged(
            name=self.name,
            feature=self.feature,
            old=old,
            new=record.state,
            at=record.changed_at or self.now(),
            reason=record.reason,
            retry_after=self.current.retry_after(),
        )

    def _state_of(self, record: BreakerRecord) -> State:
        level, failures = record.level, record.failures
        cause = self.current.cause or (FailedElsewhereError(record.reason) if record.reason else None)
        override = (record.reason, record.author, record.until)
        match record.state:
            case "open":
                seconds = record.open_seconds or self.duration.of(record.level)
                left = self._left(record, seconds)
                return Open(self, seconds=seconds, left=left, level=level, failures=failures, cause=cause)
            case "half_open":
                return HalfOpen(self, level=level, failures=failures, cause=cause)
            case "forced_open":
                return ForcedOpen(self, *override)
            case "disabled":
                return Disabled(self, *override)
            case "metrics_only":
                return MetricsOnly(self, self.window.fresh(), *override)
            case _:
                return Closed(self, self.window.fresh())

    def _left(self, record: BreakerRecord, seconds: float) -> float:
        """The rest of a break that began elsewhere, by the wall clock; never more than the whole of it."""
        if record.changed_at is None:
            return seconds
        return min(seconds, seconds - (self.now() - record.changed_at).total_seconds())
