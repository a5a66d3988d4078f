"""Memory in front of a shared tier that may be away.

Nothing here raises because the shared tier is gone: the process goes on with what it has. Invalidations that could
not be told are kept and told first when it is back, so that other processes do not show for long what is outdated.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from backend.cache.envelope import INVALIDATED, Envelope
from backend.cache.memory import MemoryTier
from backend.cache.tier import Tier
from backend.errors import DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.locks import RLock

logger = logging.getLogger("jupiter.data")

_AWAY: Final[Any] = object()
_MAX_OWED = 10_000
_LOOKING_SECONDS = 5.0  # far more than a shared tier may take


class Generations(NamedTuple):
    """Both tiers' generations before a computation; `shared` is None where the shared tier did not tell."""

    memory: str
    shared: str | None


class Tiers:
    """Two tiers as one.

    Args:
        memory: the process's own.
        shared: the one shared with other processes; None for none.
        trust: seconds for which a copy in memory is believed before the shared tier is asked again.
    """

    def __init__(
        self, memory: MemoryTier, shared: Tier | None = None, *, clock: Clock = SYSTEM_CLOCK, trust: float = 1.0
    ) -> None:
        self.memory = memory
        self._shared = shared
        self._clock = clock
        self._trust = trust
        self._away = False
        self._owed: dict[tuple[str, str], None] = {}
        self._looking: dict[str, threading.Event] = {}
        self._lock = RLock()  # nothing switches inside

    @property
    def is_shared(self) -> bool:
        """Whether there is a shared tier."""
        return self._shared is not None

    def get(self, key: str) -> Envelope | None:
        """Return what is kept, fresh or stale, asking the shared tier where the memory's copy is not to be trusted."""
        known = self.memory.get(key)
        if self._shared is None or (known is not None and self._clock.now().timestamp() < known.trusted_until):
            return known
        with self._lock:
            looking = self._looking.get(key)
            if looking is None:
                self._looking[key] = threading.Event()
        if looking is not None:  # somebody asks already; who has a copy does not wait for that
            return known if known is not None or not looking.wait(_LOOKING_SECONDS) else self.memory.get(key)
        try:
            return self._compared(key, known)
        finally:
            self._looking.pop(key).set()

    def _compared(self, key: str, known: Envelope | None) -> Envelope | None:
        since = self.memory.moment()
        found: Envelope | None = self._ask(lambda shared: shared.get(key), _AWAY)
        if found is _AWAY:
            return known
        newest = known.invalidated() if found is None and known is not None else found
        if found is not None and known is not None and known.stored_at > found.stored_at:
            # Stored while the shared tier was away. What was invalidated there may have been so before or after that.
            newest = known.invalidated() if found.fresh_until == INVALIDATED else known
        return newest if newest is None else self._taken_over(key, newest, since)

    def get_shared(self, key: str) -> Envelope | None:
        """Return what another process may have stored."""
        since = self.memory.moment()
        found: Envelope | None = self._ask(lambda shared: shared.get(key), None)
        return found if found is None else self._taken_over(key, found, since)

    def _taken_over(self, key: str, found: Envelope, since: int) -> Envelope:
        """Keep what the shared tier told; an invalidation here since that moment has overtaken it."""
        taken = self.memory.set(key, found.trusted(self._trusted_until()), since=since)
        return found if taken else found.invalidated()

    def put(self, key: str, envelope: Envelope, generations: Generations | None = None) -> Envelope:
        """Keep an envelope in both; see `Tier.set`.

        Returns:
            The envelope, invalidated where `generations` are not the present ones any more.
        """
        fresh = True
        if generations is None or generations.shared is not None:
            generation = generations.shared if generations else None
            fresh = self._ask(lambda shared: shared.set(key, envelope, generation=generation), True)
        kept = envelope.trusted(self._trusted_until()) if fresh else envelope.invalidated()
        fresh &= self.memory.set(key, kept, generation=generations.memory if generations else None)
        return envelope if fresh else envelope.invalidated()

    def invalidate(self, key: str) -> None:
        """Mark as outdated in both."""
        self._in_both("invalidate", key)

    def invalidate_tag(self, tag: str) -> None:
        """Mark everything with the tag as outdated in both."""
        self._in_both("invalidate_tag", tag)

    def delete(self, key: str) -> None:
        """Forget in both."""
        self._in_both("delete", key)

    def generations(self, key: str, tags: Sequence[str]) -> Generations:
        """Return both tiers' generations."""
        shared = self._ask(lambda shared: shared.generation(key, tags), None)
        return Generations(self.memory.generation(key, tags), shared)

    def acquire(self, key: str, token: str, seconds: float) -> bool:
        """Take the lease over all processes; without a shared tier there is nobody to share with."""
        return bool(self._ask(lambda shared: shared.acquire(key, token, seconds), True))

    def release(self, key: str, token: str) -> None:
        """Give the lease back."""
        self._ask(lambda shared: shared.release(key, token), None)

    def _trusted_until(self) -> float:
        return self._clock.now().timestamp() + self._trust

    def _in_both(self, verb: str, name: str) -> None:
        outdate: Callable[[str], None] = getattr(self.memory, verb)
        outdate(name)
        if self._shared is not None:
            self._tell(verb, name)
            outdate(name)  # once more: meanwhile somebody may have taken the old value over from there

    def _tell(self, verb: str, name: str) -> None:
        if self._ask(lambda shared: getattr(shared, verb)(name), _AWAY) is _AWAY:
            while len(self._owed) >= _MAX_OWED:
                del self._owed[next(iter(self._owed))]
            self._owed[verb, name] = None

    def _ask(self, call: Callable[[Tier], Any], otherwise: Any) -> Any:
        if self._shared is None:
            return otherwise
        try:
            self._pay(self._shared)
            answer = call(self._shared)
        except DashboardError as error:
            if not self._away:
                logger.warning("⚠️ Shared cache is away, going on with this process's own: %s", error)
            self._away = True
            return otherwise
        if self._away:
            logger.info("✅ Shared cache is back")
        self._away = False
        return answer

    def _pay(self, shared: Tier) -> None:
        while self._owed:
            verb, name = next(iter(self._owed))
            getattr(shared, verb)(name)
            self._owed.pop((verb, name), None)
