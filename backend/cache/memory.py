"""The tier in the process: least recently used first out, bounded by bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from backend.cache.envelope import Envelope
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.locks import RLock

_COUNTERS = 4096


class MemoryTier:
    """Keeps envelopes in memory.

    Args:
        max_bytes: what all envelopes together may take; one that is larger than that alone is not kept.
    """

    def __init__(self, max_bytes: int = 33_554_432, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[str, Envelope] = OrderedDict()
        self._tagged: dict[str, set[str]] = {}
        self._bytes = 0
        # Names share counters: at worst a value counts as outdated without being so. A counter a name would never end.
        self._generations = [0] * _COUNTERS
        self._changes = 0
        self._leases: dict[str, tuple[str, float]] = {}
        self._lock = RLock()  # nothing switches inside

    @property
    def bytes_used(self) -> int:
        """What all envelopes take, about."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> Envelope | None:
        """Return what is kept; see `Tier`."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            if self._clock.now().timestamp() >= found.stale_until:
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return found

    def moment(self) -> int:
        """Return a number that grows with every invalidation of anything."""
        return self._changes

    def set(self, key: str, envelope: Envelope, *, generation: str | None = None, since: int | None = None) -> bool:
        """Keep an envelope; see `Tier`.

        Args:
            since: what `moment` told before the envelope was read elsewhere. If it has been invalidated since, it is
                not kept at all.
        """
        with self._lock:
            if since is not None and self._has_changed(since, (key, *envelope.tags)):
                return False
            outdated = generation is not None and generation != self.generation(key, envelope.tags)
            if outdated and key in self._kept:
                return False
            self._drop(key)
            self._keep(key, envelope.invalidated() if outdated else envelope)
            return not outdated

    def invalidate(self, key: str) -> None:
        """Mark as outdated; see `Tier`."""
        with self._lock:
            self._count(key)
            if key in self._kept:
                self._kept[key] = self._kept[key].invalidated()

    def invalidate_tag(self, tag: str) -> None:
        """Mark everything with the tag as outdated; see `Tier`."""
        with self._lock:
            self._count(tag)
            for key in self._tagged.get(tag, ()):
                self._kept[key] = self._kept[key].invalidated()

    def delete(self, key: str) -> None:
        """Forget; see `Tier`."""
        with self._lock:
            self._count(key)
            self._drop(key)

    def generation(self, key: str, tags: Sequence[str]) -> str:
        """Return the generation; see `Tier`."""
        return ",".join(str(self._generations[hash(name) % _COUNTERS]) for name in (key, *tags))

    def acquire(self, key: str, token: str, seconds: float) -> bool:
        """Take the lease; see `Tier`."""
        with self._lock:
            now = self._clock.monotonic()
            if key in self._leases and now < self._leases[key][1]:
                return False
            self._leases[key] = (token, now + seconds)
            return True

    def release(self, key: str, token: str) -> None:
        """Give the lease back; see `Tier`."""
        with self._lock:
            if self._leases.get(key, ("", 0.0))[0] == token:
                del self._leases[key]

    def _count(self, name: str) -> None:
        self._changes += 1
        self._generations[hash(name) % _COUNTERS] = self._changes

    def _has_changed(self, since: int, names: Sequence[str]) -> bool:
        return any(self._generations[hash(name) % _COUNTERS] > since for name in names)

    def _keep(self, key: str, envelope: Envelope) -> None:
        size = envelope.size + len(key)
        if size > self._max_bytes:
            return
        while self._bytes + size > self._max_bytes:
            self._drop(next(iter(self._kept)))
        self._kept[key] = envelope
        self._bytes += size
        for tag in envelope.tags:
            self._tagged.setdefault(tag, set()).add(key)

    def _drop(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is None:
            return
        self._bytes -= found.size + len(key)
        for tag in found.tags:
            keys = self._tagged[tag]
            keys.discard(key)
            if not keys:
                del self._tagged[tag]
