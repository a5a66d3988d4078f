"""Taking turns at a server that wants to be asked seldom, whichever of our sources asks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from backend.resilience.clock import SYSTEM_CLOCK, Clock

SECONDS: Mapping[str, float] = {"reddit.com": 60.0}
"""By domain: seconds between two requests. Reddit answers RSS without a sign-in about once a minute."""


class Pace:
    """Lets one request go every `seconds`; the others wait for their turn.

    Args:
        seconds: between two turns.
        clock: tells the time and waits.
    """

    def __init__(self, seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0

    def wait_turn(self) -> None:
        """Return when it is one's turn."""
        with self._lock:  # never held while waiting
            now = self._clock.monotonic()
            turn = max(now, self._next)
            self._next = turn + self.seconds
        if turn > now:
            self._clock.sleep(turn - now)


def slow_domain(url: str) -> str | None:
    """Return the domain of SECONDS that an address belongs to, None where it may be asked at any time."""
    host = (urlsplit(url).hostname or "").lower()
    return next((domain for domain in SECONDS if host == domain or host.endswith(f".{domain}")), None)
