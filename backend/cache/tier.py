"""What a place that keeps envelopes has to do; the memory tier and the Redis tier do it alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from backend.cache.envelope import Envelope


class Tier(Protocol):
    """A bounded store of envelopes. A tier that cannot be reached raises a DashboardError."""

    def get(self, key: str) -> Envelope | None:
        """Return what is kept under `key`, fresh or stale."""
        ...

    def set(self, key: str, envelope: Envelope, *, generation: str | None = None) -> bool:
        """Keep an envelope.

        Args:
            generation: what `generation` told before the value was computed. If it has been invalidated since, the
                envelope is outdated already: it is kept as invalidated, and only where there is nothing else.

        Returns:
            Whether it was kept as it is.
        """
        ...

    def invalidate(self, key: str) -> None:
        """Mark what is kept under `key` as outdated; it stays as a stale copy."""
        ...

    def invalidate_tag(self, tag: str) -> None:
        """Mark everything that carries `tag` as outdated."""
        ...

    def delete(self, key: str) -> None:
        """Forget `key`, its stale copy too."""
        ...

    def generation(self, key: str, tags: Sequence[str]) -> str:
        """Return a text that changes whenever `key` or one of `tags` is invalidated."""
        ...

    def acquire(self, key: str, token: str, seconds: float) -> bool:
        """Take the lease for computing `key` unless somebody has it; it ends by itself after `seconds`."""
        ...

    def release(self, key: str, token: str) -> None:
        """Give the lease back if it is still one's own."""
        ...
