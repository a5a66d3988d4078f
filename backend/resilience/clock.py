"""Time as an argument: everything in the kit that waits or looks at a clock is given one of these."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""


class SystemClock:
    """The machine's clock. `monotonic` is the C function itself: a breaker asks it on hot paths."""

    monotonic = staticmethod(time.monotonic)

    def now(self) -> datetime:
        """Return the wall clock's time, aware, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait; on eventlet and gevent the others run meanwhile."""
        time.sleep(seconds)  # looked up at call time, so that it is the patched one


SYSTEM_CLOCK = SystemClock()
