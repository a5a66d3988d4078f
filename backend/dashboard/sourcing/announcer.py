"""Tells subscribers of a change, with the newest payload, and not more often than they can look."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from backend import runtime
from backend.resilience.events import Listeners

Payload = Mapping[str, Any]


class Announcer:
    """Calls the subscribers soon after `touch`, once for all touches of the meantime.

    Args:
        build: makes the payload, a dict.
        interval: seconds between two calls.
        log: where a payload that cannot be made is told.
        sleep: waits.
    """

    def __init__(
        self,
        build: Callable[[], dict[str, Any]],
        *,
        log: logging.Logger,
        interval: float = 0.25,
        sleep: Callable[[float], None] = runtime.sleep,
    ) -> None:
        self._build = build
        self._log = log
        self._interval = interval
        self._sleep = sleep
        self._listeners = Listeners()
        self._changed = threading.Event()
        self._task: Any = None
        self._stopped = False

    def subscribe(self, callback: Callable[[Payload], object]) -> Callable[[], None]:
        """Add a subscriber and return the function that takes it away."""
        return self._listeners.subscribe(callback)

    def touch(self) -> None:
        """Say that something changed. Before `start` the subscribers are told at once."""
        self._changed.set()
        if self._task is None:
            self.flush()

    def flush(self) -> None:
        """Tell the subscribers now, if anything changed."""
        if not self._changed.is_set():
            return
        self._changed.clear()
        if not self._listeners.wants(dict):
            return
        try:
            payload = self._build()
        except Exception:  # noqa: BLE001 - the loop outlives a fault of the payload; it is told in the log
            self._log.exception("❌ A payload could not be made; the next change tries again")
            return
        self._listeners.notify(payload)

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin to tell in the background."""
        self._stopped = False
        self._task = spawn(self._loop)

    def stop(self) -> None:
        """End it."""
        self._stopped = True
        self._changed.set()

    def _loop(self) -> None:
        while True:
            self._changed.wait()
            if self._stopped:
                return
            self.flush()
            self._sleep(self._interval)
