"""How often one client may ask: windows over the `limits` library, for REST and for socket events alike.

Flask-Limiter is not used because it does not see socket events; one mechanism for both doors counts them together.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import limits
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from backend.errors import RateLimitedError
from backend.security.counters import MemoryCounters


class RateLimiter:
    """Counts what each key does under named limits.

    Args:
        rates: name -> rate such as `60/minute`.
        counters: count; those of this process where not given.
        now: seconds since 1970.
    """

    def __init__(
        self, rates: dict[str, str], *, counters: Storage | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._items = {name: limits.parse(rate) for name, rate in rates.items()}
        self._limiter = FixedWindowRateLimiter(counters or MemoryCounters(now=now))
        self._now = now

    def check(self, name: str, key: str) -> None:
        """Count one use of limit `name` by `key`.

        Raises:
            RateLimitedError: the limit is used up; `retry_after` says for how long.
        """
        item = self._items[name]
        if not self._limiter.hit(item, name, key):
            reset = self._limiter.get_window_stats(item, name, key).reset_time
            wait = max(1.0, reset - self._now())
            raise RateLimitedError(f"more than {item} by {key}", retry_after=wait)

    def clear(self, name: str, key: str) -> None:
        """Forget what `key` has used of limit `name`."""
        self._limiter.clear(self._items[name], name, key)
