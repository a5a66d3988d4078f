"""The cache that everybody uses: memory in front, Redis behind it where there is one.

Fresh entries are shown as they are. An outdated one is shown, marked, only while nothing newer can be had: whoever
asks waits a moment (`patience`) for the computation, and not at all if that has been under way for longer already.
However many ask, one computes. Invalidating keeps the stale copy, and a value whose computation began before it never
counts as fresh.
"""

from __future__ import annotations

import math
import random as _random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from backend import runtime
from backend.cache.envelope import Envelope
from backend.cache.flights import Flight, Flights, Plan
from backend.cache.memory import MemoryTier
from backend.cache.tier import Tier
from backend.cache.tiers import Tiers
from backend.errors import DeadlineExceededError, NotFoundError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import earliest


@dataclass(frozen=True, slots=True)
class Cached:
    """An answer: `hit` (kept and fresh), `computed` (just now) or `stale`.

    Args:
        value: others have the same object; do not change it.
        envelope: what is kept; None for a computed value that is not.
        error: why it is stale; None where the computation is only taking long.
    """

    value: Any
    envelope: Envelope | None
    state: Literal["hit", "computed", "stale"]
    error: Exception | None = None


class CacheService:
    """Keeps JSON-ready values under keys.

    Args:
        memory: the tier of this process.
        shared: the tier shared with other processes; None for none.
        clock: for all times but the waiting itself.
        random: for early refreshes, in [0, 1).
        spawn: runs a function concurrently.
        ttl: seconds for which a value is fresh unless told otherwise.
        stale: seconds after that for which it is kept as a stale copy.
        patience: seconds to wait for a computation while there is a stale copy to show.
        max_wait: seconds to wait when there is none.
        trust: seconds for which this process believes its own copy before it asks `shared` again; another process's
            invalidation is seen after that time at the latest, but by those who ask while that question is under way.
        lease_seconds: after this time another process that computes is taken for lost.
        beta: how early to refresh; 0 never, 1 as in the XFetch paper (Vattani, Chierichetti, Lowenstein: Optimal
            Probabilistic Cache Stampede Prevention, VLDB 2015).
    """

    def __init__(
        self,
        memory: MemoryTier | None = None,
        shared: Tier | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = _random.random,
        spawn: Callable[..., Any] = runtime.spawn,
        ttl: float = 300.0,
        stale: float = 86_400.0,
        patience: float = 0.25,
        max_wait: float = 30.0,
        trust: float = 1.0,
        lease_seconds: float = 10.0,
        beta: float = 1.0,
    ) -> None:
        self._clock = clock
        self._tiers = Tiers(memory or MemoryTier(clock=clock), shared, clock=clock, trust=trust)
        self._flights = Flights(self._tiers, clock=clock, spawn=spawn, lease_seconds=lease_seconds)
        self._random = random
        self._ttl = ttl
        self._stale = stale
        self._patience = patience
        self._max_wait = max_wait
        self._beta = beta

    def get(self, key: str) -> Any:
        """Return the value under `key` while it is fresh, else None."""
        found = self.fresh(key)
        return None if found is None else found.value()

    def get_stale(self, key: str) -> Any:
        """Return the value under `key`, fresh or not, else None."""
        found = self._tiers.get(key)
        return found.value() if found is not None and found.is_usable(self._now()) else None

    def fresh(self, key: str) -> Envelope | None:
        """Return the envelope under `key` while it is fresh: its `body` can be sent as it is."""
        found = self._tiers.get(key)
        return found if found is not None and found.is_fresh(self._now()) and not found.absent else None

    def set(
        self, key: str, value: Any, *, ttl: float | None = None, stale: float | None = None, tags: Sequence[str] = ()
    ) -> Envelope:
        """Keep a value; times in seconds, None for the cache's own."""
        plan = self._plan(lambda: value, ttl, stale, tags=tags)
        return self._tiers.put(key, plan.envelope(value, self._now(), 0.0))

    def invalidate(self, key: str) -> None:
        """Mark the value as outdated, here and in the other processes; it stays as a stale copy."""
        self._flights.detach(key)
        self._tiers.invalidate(key)

    def invalidate_tag(self, tag: str) -> None:
        """Mark all values that carry the tag as outdated."""
        self._flights.detach_tag(tag)
        self._tiers.invalidate_tag(tag)

    def delete(self, key: str) -> None:
        """Forget the value and its stale copy."""
        self._flights.detach(key)
        self._tiers.delete(key)

    def get_or_compute(
        self,
        key: str,
        compute: Callable[[], Any],
        *,
        ttl: float | None = None,
        stale: float | None = None,
        force: bool = False,
        patient: bool = False,
        **more: Any,
    ) -> Cached:
        """Return the value under `key`, computing it where it is missing or outdated.

        Args:
            compute: returns the value; NotFoundError says that there is none.
            ttl: seconds for which it is fresh; None for the cache's own.
            stale: seconds after that for which it is kept as a stale copy; None for the cache's own.
            force: compute even if it is fresh, and wait for the outcome of a computation that began after being asked.
            patient: where it is outdated wait for the outcome, although there is a stale copy.
            more: tags, absent_ttl and keep; see `Plan`.

        Raises:
            NotFoundError: `compute` said so, now or within the last `absent_ttl` seconds.
            DeadlineExceededError: there is no stale copy, and after `max_wait` seconds, or by the deadline in force,
                nothing was computed.
            Exception: what `compute` raised, where there is no stale copy.
        """
        plan = self._plan(compute, ttl, stale, **more)
        known, now = self._tiers.get(key), self._now()
        if known is not None and known.is_fresh(now) and not force:
            if known.absent:
                raise NotFoundError(known.value())
            if self.is_due(known):
                self._flights.join(key, plan, known)
            return Cached(known.value(), known, "hit")
        copy = known if known is not None and known.is_usable(now) else None
        if force:
            return self._force(key, plan, copy)
        flight = self._flights.join(key, plan, known)
        seconds = self._max_wait if patient or copy is None else self._patience_left(flight)
        return _outcome(flight, copy, flight.done.wait(earliest(seconds, self._clock).remaining()))

    def _force(self, key: str, plan: Plan, copy: Envelope | None) -> Cached:
        """What is under way may have read before the question what has changed since: its end is waited for."""
        asked, limit = self._clock.monotonic(), earliest(self._max_wait, self._clock)
        while True:
            flight = self._flights.join(key, plan, None, forced=True)
            landed = flight.done.wait(limit.remaining())
            if not landed or (flight.forced and flight.started >= asked):
                return _outcome(flight, copy, landed)

    def is_due(self, found: Envelope) -> bool:
        """Tell whether a fresh value should be renewed already, by chance (XFetch).

        The nearer its end and the dearer its computation, the likelier; so not everybody meets its end at once.
        """
        lead = -found.seconds * self._beta * math.log(1.0 - self._random())
        return self._now() + lead >= found.fresh_until

    def refresh(self, key: str, compute: Callable[[], Any], **options: Any) -> None:
        """Compute the value in the background unless that is under way; arguments as for `get_or_compute`."""
        plan = self._plan(compute, options.pop("ttl", None), options.pop("stale", None), **options)
        self._flights.join(key, plan, self._tiers.get(key))

    def check(self) -> dict[str, str]:
        """Return {status, message?} for the health report: degraded while the shared tier is away."""
        key = "health"
        self.set(key, True, ttl=10.0, stale=0.0)
        if self._tiers.is_shared and self._tiers.get_shared(key) is None:
            return {"status": "degraded", "message": "The shared cache does not answer; each process uses its own."}
        return {"status": "healthy"} if self.get(key) else {"status": "unhealthy", "message": "Nothing is kept."}

    def statistics(self) -> dict[str, int]:
        """Return entries and bytes of the memory tier."""
        return {"entries": len(self._tiers.memory), "bytes": self._tiers.memory.bytes_used}

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _plan(self, compute: Callable[[], Any], ttl: float | None, stale: float | None, **more: Any) -> Plan:
        return Plan(compute, self._ttl if ttl is None else ttl, self._stale if stale is None else stale, **more)

    def _patience_left(self, flight: Flight) -> float:
        return max(0.0, flight.started + self._patience - self._clock.monotonic())


def _outcome(flight: Flight, copy: Envelope | None, landed: bool) -> Cached:
    if landed and flight.error is None:
        return Cached(flight.value, flight.envelope, "computed")
    error = flight.error if landed else None
    if copy is not None and not isinstance(error, NotFoundError):
        return Cached(copy.value(), copy, "stale", error)
    if error is not None:
        raise error.with_traceback(None)  # it may be raised to many: each would add to the trace
    raise DeadlineExceededError(f"computing {flight.key} takes too long")
