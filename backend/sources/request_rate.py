"""How often a source may be asked: its server's limit, kept before the server has to say it."""

from __future__ import annotations

from collections import deque

from backend.errors import RateLimitedError
from backend.resilience.clock import SYSTEM_CLOCK, Clock


class RequestRate:
    """At most `requests` within any `seconds`."""

    def __init__(self, requests: int, seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.requests = requests
        self.seconds = seconds
        self._clock = clock
        self._made: deque[float] = deque(maxlen=requests)

    def wait(self) -> float:
        """Return the seconds until one more may be made; 0 for now."""
        if len(self._made) < self.requests:
            return 0.0
        return max(0.0, self._made[0] + self.seconds - self._clock.monotonic())

    def take(self) -> None:
        """Note that a request is made.

        Raises:
            RateLimitedError: it would be one too many; says when it would not.
        """
        wait = self.wait()
        if wait > 0:
            raise RateLimitedError(
                f"{self.requests} requests in {self.seconds:g} s are made",
                retry_after=wait,
                message="Its turn is later.",
            )
        self._made.append(self._clock.monotonic())
