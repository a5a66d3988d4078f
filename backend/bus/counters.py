"""Counters of the rate limits over all workers.

A worker counts in its own memory and hands its counts in by small batches, a fortieth of the limit, with one exchange;
so a limit of 1200 a minute costs an exchange every thirty requests, and may be exceeded by a few per cent, while one
of 20 is exact. While Redis is away each worker counts for itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limits.storage.base import Storage

from backend.bus.wire import AwayError, Wire

MOST_KEYS = 100_000
_BATCHES = 40

# KEYS: count. ARGV: what is added, milliseconds of the window. Returns the count and what is left of the window
_ADD = """
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return {count, left}
"""


@dataclass(slots=True)
class _Shared:
    """What is known of one count: of all workers when it was handed in last, and of our own since."""

    everybody: int
    unsent: int
    ends: float


class SharedCounters(Storage):
    """A storage for the `limits` library.

    Args:
        own: counts for this process, for the time without Redis.
        wire: the line to the others.
        most: keys kept at once; those whose windows have ended are forgotten, and then the oldest.
        now: seconds since 1970.
    """

    STORAGE_SCHEME = None  # made directly, not by address

    def __init__(
        self, own: Storage, wire: Wire, *, most: int = MOST_KEYS, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self._own = own
        self._wire = wire
        self._most = most
        self._now = now
        self._known: dict[str, _Shared] = {}
        self._add = wire.client.register_script(_ADD)

    @property
    def base_exceptions(self) -> type[Exception]:
        """Return what can go wrong here: nothing of its own."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to the count of `key`, in a window of `expiry` seconds that begins with the first; return the count."""
        own = int(self._own.incr(key, int(expiry), amount))
        if not self._wire.up:
            return own
        shared = self._window(key, expiry)
        shared.unsent += amount
        if shared.unsent >= _batch(key):
            self._hand_in(key, shared, expiry)
        return shared.everybody + shared.unsent

    def get(self, key: str) -> int:
        """Return the count of `key`."""
        shared = self._known.get(key)
        if not self._wire.up or shared is None or shared.ends <= self._now():
            return int(self._own.get(key))
        return shared.everybody + shared.unsent

    def get_expiry(self, key: str) -> float:
        """Return when the window of `key` ends, in seconds since 1970; now where there is none."""
        shared = self._known.get(key)
        return shared.ends if self._wire.up and shared is not None else float(self._own.get_expiry(key))

    def check(self) -> bool:
        """Tell whether the storage works: here at least."""
        return bool(self._own.check())

    def reset(self) -> int | None:
        """Forget everything that is counted here."""
        self._known.clear()
        return self._own.reset()

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._own.clear(key)
        self._known.pop(key, None)
        try:
            self._wire.ask(lambda: self._wire.client.delete(self._key(key)))
        except AwayError:
            return

    def _window(self, key: str, expiry: float) -> _Shared:
        shared = self._known.get(key)
        if shared is None or shared.ends <= self._now():
            if len(self._known) >= self._most:
                self._forget()
            shared = self._known[key] = _Shared(0, 0, self._now() + expiry)
        return shared

    def _hand_in(self, key: str, shared: _Shared, expiry: float) -> None:
        sent, shared.unsent = shared.unsent, 0
        args = [sent, int(expiry * 1000)]
        try:
            told: Any = self._wire.ask(lambda: self._add(keys=[self._key(key)], args=args))
        except AwayError:
            shared.unsent += sent
            return
        shared.everybody, shared.ends = int(told[0]), self._now() + int(told[1]) / 1000

    def _forget(self) -> None:
        now = self._now()
        self._known = {key: shared for key, shared in self._known.items() if shared.ends > now}
        for key in list(self._known)[: max(0, len(self._known) - self._most * 9 // 10)]:
            del self._known[key]

    def _key(self, key: str) -> str:
        return self._wire.key(f"limit:{key}")


def _batch(key: str) -> int:
    """How much is counted before it is handed in; the library's keys end with the limit: amount, multiples, unit."""
    amount = key.rsplit("/", 3)[1:2]
    return max(1, int(amount[0]) // _BATCHES) if amount and amount[0].isdigit() else 1
