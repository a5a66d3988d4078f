"""At once, but not too often: the first of a burst goes out immediately, the rest together after a pause."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from backend import runtime

logger = logging.getLogger("jupiter.realtime")


class Coalesced:
    """Calls `action(keys)` soon after `touch(key)`, at most once per `interval`, with all keys touched meanwhile.

    Args:
        action: what to do; an exception it raises is logged and does not end the loop.
        interval: seconds between two calls.
    """

    def __init__(
        self,
        action: Callable[[set[str]], None],
        interval: float = 0.25,
        *,
        sleep: Callable[[float], None] = runtime.sleep,
    ) -> None:
        self._action = action
        self._interval = interval
        self._sleep = sleep
        self._touched: set[str] = set()
        self._lock = threading.Lock()  # never held across the action
        self._wake = threading.Event()
        self._stopped = False

    def touch(self, key: str = "") -> None:
        """Ask for a call; cheap and never blocks."""
        with self._lock:
            self._touched.add(key)
        self._wake.set()

    def run(self) -> None:
        """Serve touches until `stop`; spawn this."""
        while not self._stopped:
            self._wake.wait()
            self.flush()
            self._sleep(self._interval)

    def flush(self) -> None:
        """Call the action now if anything was touched."""
        self._wake.clear()
        with self._lock:
            touched, self._touched = self._touched, set()
        if not touched or self._stopped:
            return
        try:
            self._action(touched)
        except Exception:
            logger.exception("❌ A push failed; the next one is tried")

    def stop(self) -> None:
        """End `run`."""
        self._stopped = True
        self._wake.set()
