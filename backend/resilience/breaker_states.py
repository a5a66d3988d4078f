"""The states of a breaker, one class each. A state admits a call by giving a permit, and the permit settles it.

The identity of a state object is its generation: a permit whose state is not the present one is late, and what it
brings is dropped. Lock: `admit` and `settle` take the control's lock for their own bookkeeping only; the user's
function, storage and listeners run outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from backend.resilience.breaker_storage import CLOSED, DISABLED, FORCED_OPEN, HALF_OPEN, METRICS_ONLY, OPEN
from backend.resilience.outcome import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from backend.resilience.control import Control
    from backend.resilience.window import Window


JUST_NOW = 0.001
"""Seconds: the unit in which a fleet's server counts, and less than a word to it takes."""


class Permit(Protocol):
    """The right to make one call; `settle` hands it back with what came of it. A second `settle` does nothing."""

    def settle(self, outcome: Outcome, slow: bool = False, error: BaseException | None = None) -> None: ...


class State:
    """What all states have. `plain` says that a call needs no permit and a success needs no record."""

    name: ClassVar[str]
    plain = False
    level = 0
    failures = 0
    cause: BaseException | None = None
    reason = ""
    author: str | None = None
    until: datetime | None = None
    open_seconds = 0.0
    slow_seconds: float | None = None

    def __init__(self, control: Control) -> None:
        self._control = control

    def admit(self) -> Permit:
        """Give a permit.

        Raises:
            CallRejectedError: this state gives none at present.
        """
        raise NotImplementedError

    def retry_after(self) -> float | None:
        """Return the seconds until a call is admitted, None where one is already or nobody knows."""
        return None

    def shown(self) -> str:
        """Return the name that this state goes by now; an override whose time is up ends when somebody asks."""
        if self.until is not None and self._control.override_is_over(self):
            return self._control.current.shown()
        return self.name


class Counting(State):
    """Admits every call and counts it."""

    trips: ClassVar[bool]

    def __init__(self, control: Control, window: Window) -> None:
        super().__init__(control)
        self.window = window
        self.plain = control.is_plain(window)
        self.slow_seconds = window.slow_seconds

    @property
    def failures(self) -> int:  # type: ignore[override]
        return self.window.failures

    def admit(self) -> Permit:
        return self

    def settle(self, outcome: Outcome, slow: bool = False, error: BaseException | None = None) -> None:
        if outcome is Outcome.FAILURE or outcome is Outcome.SUCCESS:
            self.count(outcome is Outcome.FAILURE, slow, error)

    def count(self, failed: bool, slow: bool, error: BaseException | None) -> None:
        """Take one call into the window, unless this state is over."""
        control = self._control
        with control.lock:
            if control.current is not self:
                return
            if self.window.record(failed, slow) and self.trips:
                control.open(level=0, failures=self.window.failures, error=error)
        if control.pending or control.observes:
            control.after(observed=(failed, slow))


class Closed(Counting):
    """The healthy state."""

    name = CLOSED
    trips = True


class MetricsOnly(Counting):
    """Counts, and never opens: to watch what a configuration would do."""

    name = METRICS_ONLY
    trips = False

    def __init__(
        self, control: Control, window: Window, reason: str, author: str | None, until: datetime | None
    ) -> None:
        super().__init__(control, window)
        self.plain = False  # an override has an end to look at
        self.reason, self.author, self.until = reason, author, until

    def admit(self) -> Permit:
        return self if not self._control.override_is_over(self) else self._control.current.admit()


class Open(State):
    """Rejects every call until `opens_until`, in the control's monotonic time; then the first one becomes a probe."""

    name = OPEN

    def __init__(
        self, control: Control, *, seconds: float, left: float, level: int, failures: int, cause: BaseException | None
    ) -> None:
        super().__init__(control)
        self.open_seconds = seconds
        self.opens_until = control.monotonic() + left
        self.level = level
        self.failures = failures
        self.cause = cause

    def admit(self) -> Permit:
        left = self.opens_until - self._control.monotonic()
        if left > 0:
            raise self._control.rejection(self, left)
        return self._control.half_open(self).admit()

    def retry_after(self) -> float | None:
        return max(0.0, self.opens_until - self._control.monotonic())

    def shown(self) -> str:
        """Once the break is over the next call is a probe, so this is half-open already to anyone who asks."""
        return OPEN if self.opens_until > self._control.monotonic() else HALF_OPEN


class Lease:
    """A probe's permit. It ends when it is settled or, where its holder was killed or hangs, when its time is up."""

    __slots__ = ("_state", "ends")

    def __init__(self, state: HalfOpen, ends: float) -> None:
        self._state = state
        self.ends = ends

    def settle(self, outcome: Outcome, slow: bool = False, error: BaseException | None = None) -> None:
        self._state.settle(self, outcome, slow, error)

    def renew(self) -> None:
        """Hold it on: a stream shows with each item that its prober lives."""
        self._state.renew(self)


class HalfOpen(State):
    """Admits `permits` calls in all; when all of them have succeeded the circuit closes, the first failure opens it."""

    name = HALF_OPEN

    def __init__(self, control: Control, *, level: int, failures: int, cause: BaseException | None) -> None:
        super().__init__(control)
        self.level = level
        self.failures = failures
        self.cause = cause
        self.slow_seconds = control.window.slow_seconds
        self._leases: set[Lease] = set()
        self._succeeded = 0
        self._slow = 0

    def admit(self) -> Permit:
        control = self._control
        with control.lock:
            lease = self._take(control.monotonic()) if control.current is self else None
        if lease is None:
            if control.current is not self:
                return control.current.admit()
            raise control.rejection(self, self.retry_after())
        if not self._may_probe(lease):
            if control.current is not self:  # asking has shown that others have moved on
                return control.current.admit()
            raise control.rejection(self, self.retry_after())
        return lease

    def _may_probe(self, lease: Lease) -> bool:
        """Ask for the fleet's permit; without it, or if we are stopped while we ask, the lease is free again."""
        may = False
        try:
            may = self._control.may_probe(self)
        finally:
            if not may:
                with self._control.lock:
                    self._leases.discard(lease)
        return may

    def _take(self, now: float) -> Lease | None:
        self._leases = {lease for lease in self._leases if lease.ends > now}
        if len(self._leases) + self._succeeded >= self._control.permits:
            return None
        lease = Lease(self, now + self._control.lease_seconds)
        self._leases.add(lease)
        return lease

    def renew(self, lease: Lease) -> None:
        """Prolong a lease that does not end just now: others may have been given its place by then."""
        now = self._control.monotonic()
        with self._control.lock:
            if lease not in self._leases or lease.ends <= now + JUST_NOW:
                return
            lease.ends = now + self._control.lease_seconds
        self._control.probe_lives()

    def settle(self, lease: Lease, outcome: Outcome, slow: bool, error: BaseException | None) -> None:
        """Take a lease back with what came of the probe. One whose time was up has no say any more."""
        control = self._control
        with control.lock:
            if control.current is not self or lease not in self._leases:
                return
            self._leases.discard(lease)
            if lease.ends <= control.monotonic():
                return
            self._judge(outcome, slow, error)
            decided = control.current is not self
        if not decided:
            control.probe_ended(outcome in (Outcome.SUCCESS, Outcome.EXPECTED))
        control.after()

    def _judge(self, outcome: Outcome, slow: bool, error: BaseException | None) -> None:
        control = self._control
        if outcome is Outcome.FAILURE:
            control.open(level=self.level + 1, failures=self.failures + 1, error=error)
        elif outcome in (Outcome.SUCCESS, Outcome.EXPECTED):
            self._succeeded += 1
            self._slow += slow
            if self._slow and self._slow / control.permits >= control.window.slow_rate:
                control.open(level=self.level + 1, failures=self.failures, error=self.cause, reason="probes were slow")
            elif self._succeeded >= control.permits:
                control.close("probe succeeded")

    def retry_after(self) -> float | None:
        """Return the time until a probe under way must have ended; at most a second, for mostly it ends sooner."""
        now = self._control.monotonic()
        soonest = min((lease.ends for lease in tuple(self._leases)), default=now)
        return min(1.0, max(soonest - now, self._control.held_for()))


class ForcedOpen(State):
    """A person opened it: rejects every call until it is reset or the override ends."""

    name = FORCED_OPEN

    def __init__(self, control: Control, reason: str, author: str | None, until: datetime | None) -> None:
        super().__init__(control)
        self.reason, self.author, self.until = reason, author, until

    def admit(self) -> Permit:
        if self._control.override_is_over(self):
            return self._control.current.admit()
        raise self._control.rejection(self, self.retry_after())

    def retry_after(self) -> float | None:
        if self.until is None:
            return None
        return max(0.0, (self.until - self._control.now()).total_seconds())


class Disabled(State):
    """A person took the breaker out: admits every call and counts nothing."""

    name = DISABLED

    def __init__(self, control: Control, reason: str, author: str | None, until: datetime | None) -> None:
        super().__init__(control)
        self.reason, self.author, self.until = reason, author, until

    def admit(self) -> Permit:
        return self if not self._control.override_is_over(self) else self._control.current.admit()

    def settle(self, outcome: Outcome, slow: bool = False, error: BaseException | None = None) -> None:
        """Nothing is counted here."""
