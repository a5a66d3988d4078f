"""What the cache keeps: a value as JSON bytes, and how long it may be shown as what."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import orjson

INVALIDATED = 0.0


@dataclass(frozen=True, slots=True)
class Envelope:
    """A value with its times, in seconds since the epoch.

    Until `fresh_until` it is shown as it is, until `stale_until` only where nothing better can be had, marked as
    stale. An invalidated one has `fresh_until` 0: known to be outdated, still better than nothing.

    Args:
        body: the value as JSON; a hit can be sent without serialising it again.
        stored_at: when it was computed.
        seconds: how long computing it took, for early refreshes.
        tags: names under which it can be invalidated together with others.
        absent: a known absence; the value says what is absent.
        etag: identifies the body, for conditional requests.
        trusted_until: when this process has to ask the shared tier again whether it still holds.
    """

    body: bytes
    stored_at: float
    fresh_until: float
    stale_until: float
    seconds: float = 0.0
    tags: tuple[str, ...] = ()
    absent: bool = False
    etag: str = ""
    trusted_until: float = field(default=math.inf, compare=False)

    def __post_init__(self) -> None:
        if not self.etag:
            object.__setattr__(self, "etag", blake2b(self.body, digest_size=12).hexdigest())

    def value(self) -> Any:
        """Return the value, a new one at each call."""
        return orjson.loads(self.body)

    def is_fresh(self, now: float) -> bool:
        """Tell whether it may be shown as it is."""
        return now < self.fresh_until

    def is_usable(self, now: float) -> bool:
        """Tell whether it may be shown as stale."""
        return now < self.stale_until and not self.absent

    def invalidated(self) -> Envelope:
        """Return it as known to be outdated."""
        return replace(self, fresh_until=INVALIDATED)

    def trusted(self, until: float) -> Envelope:
        """Return it with a new time for asking again."""
        return replace(self, trusted_until=until)

    @property
    def size(self) -> int:
        """Bytes it takes in memory, about."""
        return len(self.body) + 400 + sum(map(len, self.tags))
