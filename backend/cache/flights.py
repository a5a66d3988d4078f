"""Single-flight: however many ask for a value, one computes it, in this process and over all that share a tier."""

from __future__ import annotations

import contextvars
import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from backend import runtime
from backend.cache.envelope import Envelope
from backend.cache.tiers import Tiers
from backend.errors import DashboardError, DeadlineExceededError, NotFoundError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.locks import RLock

logger = logging.getLogger("jupiter.data")

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """How a value is computed and kept.

    Args:
        compute: returns the JSON-ready value, or raises NotFoundError where there is none.
        ttl: seconds for which it is fresh.
        stale: seconds after that for which it is kept as a stale copy.
        tags: names under which it can be invalidated.
        absent_ttl: seconds for which an absence is remembered; None not at all.
        keep: tells whether a value may be kept; None keeps every one.
    """

    compute: Callable[[], Any]
    ttl: float
    stale: float
    tags: Sequence[str] = ()
    absent_ttl: float | None = None
    keep: Callable[[Any], bool] | None = None

    def envelope(self, value: Any, now: float, seconds: float) -> Envelope:
        """Return the value as it is kept."""
        fresh_until = now + self.ttl
        return Envelope(orjson.dumps(value), now, fresh_until, fresh_until + self.stale, seconds, tuple(self.tags))

    def absence(self, told: str, now: float) -> Envelope:
        """Return an absence as it is kept."""
        until = now + (self.absent_ttl or 0.0)
        return Envelope(orjson.dumps(told), now, until, until, tags=tuple(self.tags), absent=True)


@dataclass(eq=False, slots=True)
class Flight:
    """A computation under way; its outcome once `done` is set.

    Args:
        started: on the monotonic clock.
        known: what was kept when it started. Another process's result counts only if it is a different one.
        forced: it computes in any case, whatever other processes have.
    """

    key: str
    plan: Plan
    started: float
    known: Envelope | None
    forced: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    value: Any = None
    envelope: Envelope | None = None
    error: Exception | None = None


class Flights:
    """The computations under way in this process.

    Args:
        tiers: where results go, and who else may be computing.
        spawn: runs a function concurrently.
        lease_seconds: after this time another process that computes is taken for lost.
    """

    def __init__(
        self,
        tiers: Tiers,
        *,
        clock: Clock = SYSTEM_CLOCK,
        spawn: Callable[..., Any] = runtime.spawn,
        lease_seconds: float = 10.0,
    ) -> None:
        self._tiers = tiers
        self._clock = clock
        self._spawn = spawn
        self._lease_seconds = lease_seconds
        self._flying: dict[str, Flight] = {}
        self._lock = RLock()  # nothing switches inside

    def join(self, key: str, plan: Plan, known: Envelope | None, *, forced: bool = False) -> Flight:
        """Return the flight for `key`, a new one if there is none; `known` and `forced` are a new one's.

        It flies on its own: not bound to the deadline or the life of whoever was the first to ask.
        """
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None:
                return flight
            flight = self._flying[key] = Flight(key, plan, self._clock.monotonic(), known, forced)
        try:
            self._spawn(contextvars.Context().run, self._fly, flight)
        except BaseException:
            self._land(flight)
            raise
        return flight

    def detach(self, key: str) -> None:
        """Let whoever asks from now on begin anew: what is under way may have read what has changed since."""
        with self._lock:
            self._flying.pop(key, None)

    def detach_tag(self, tag: str) -> None:
        """The same for all flights that carry a tag."""
        with self._lock:
            for key in [key for key, flight in self._flying.items() if tag in flight.plan.tags]:
                del self._flying[key]

    def _fly(self, flight: Flight) -> None:
        try:
            self._obtain(flight)
        except Exception as error:  # handed to everybody who waits
            flight.error = error
            if not isinstance(error, DashboardError):
                logger.error("❌ Computing %s failed", flight.key, exc_info=error)
        except BaseException:
            flight.error = DeadlineExceededError(f"computing {flight.key} was stopped")
            raise
        finally:
            self._land(flight)

    def _land(self, flight: Flight) -> None:
        with self._lock:
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]
        flight.done.set()

    def _obtain(self, flight: Flight) -> None:
        token = uuid.uuid4().hex
        if not self._lease(flight, token):
            return
        try:
            if not self._adopt(flight):
                self._compute(flight)
        finally:
            self._tiers.release(flight.key, token)

    def _lease(self, flight: Flight, token: str) -> bool:
        """Wait until it is this process's turn; False if another one has brought the value meanwhile."""
        end = self._clock.monotonic() + self._lease_seconds
        while not self._tiers.acquire(flight.key, token, self._lease_seconds):
            if self._adopt(flight):
                return False
            if self._clock.monotonic() >= end:
                break
            self._clock.sleep(_POLL_SECONDS)
        return True

    def _adopt(self, flight: Flight) -> bool:
        """Take what another process has stored since this flight started, if it has."""
        found = None if flight.forced else self._tiers.get_shared(flight.key)
        if found is None or not found.is_fresh(self._clock.now().timestamp()) or found == flight.known:
            return False
        if found.absent:
            raise NotFoundError(found.value())
        flight.value, flight.envelope = found.value(), found
        return True

    def _compute(self, flight: Flight) -> None:
        plan = flight.plan
        generations = self._tiers.generations(flight.key, plan.tags)
        began = self._clock.monotonic()
        try:
            value = plan.compute()
        except NotFoundError as error:
            if plan.absent_ttl:
                absence = plan.absence(str(error), self._clock.now().timestamp())
                self._tiers.put(flight.key, absence, generations)
            raise
        flight.value = value
        if plan.keep is None or plan.keep(value):
            made = plan.envelope(value, self._clock.now().timestamp(), self._clock.monotonic() - began)
            flight.envelope = self._tiers.put(flight.key, made, generations)
