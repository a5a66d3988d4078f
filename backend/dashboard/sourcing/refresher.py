"""Runs one thing again and again in the background, at once when asked, and never twice at the same time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("jupiter.refresh")

Wait = Callable[[threading.Event, float], object]


def wait_for(event: threading.Event, seconds: float) -> bool:
    """Wait until the event is set, at most `seconds`; tell whether it was."""
    return event.wait(seconds)


class Refresher:
    """A loop over `attempt`.

    Args:
        attempt: does the work once; must not raise.
        delay: returns the seconds until the next time, asked after each attempt.
        wait: waits for an event or a time, whichever comes first.
    """

    def __init__(self, attempt: Callable[[], object], delay: Callable[[], float], *, wait: Wait = wait_for) -> None:
        self._attempt = attempt
        self._delay = delay
        self._wait = wait
        self._lock = threading.Lock()  # never held across an attempt
        self._wake = threading.Event()
        self._running: threading.Event | None = None
        self._asked: threading.Event | None = None
        self._task: Any = None
        self._stopped = False

    @property
    def is_running(self) -> bool:
        """Whether an attempt is under way."""
        return self._running is not None

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin the loop, with an attempt at once."""
        self._stopped = False
        self._task = spawn(self._loop)

    def stop(self, patience: float = 0.2) -> None:
        """End the loop; an attempt that does not end within `patience` seconds is dropped."""
        self._stopped = True
        self._wake.set()
        if self._task is not None and not self._task.wait(patience):
            self._task.kill()
        self._task = None

    def wake(self) -> None:
        """Have the next attempt made now, or as soon as the one that is under way is over."""
        self._wake.set()

    def ask(self) -> threading.Event:
        """Ask for an attempt and return the event that is set when it is over. One that is under way serves too."""
        with self._lock:
            flight = self._running or self._asked
            if flight is None:
                flight = self._asked = threading.Event()
        if self._task is None:
            self.run()
        elif not self.is_running:
            self.wake()
        return flight

    def run(self) -> None:
        """Make an attempt here and now, or wait for the one that is under way."""
        with self._lock:
            other = self._running
            if other is None:
                flight = self._running = self._asked or threading.Event()
                self._asked = None
        if other is not None:
            other.wait()
            return
        try:
            self._attempt()
        finally:
            self._running = None
            flight.set()

    def _loop(self) -> None:
        while not self._stopped:
            self._wake.clear()
            try:
                self.run()
            except Exception:  # noqa: BLE001 - the loop is the last to hear of it and must go on
                _log.exception("❌ A refresh failed in a way that nobody foresaw; the next one is made")
            if not self._stopped:
                self._wait(self._wake, self._delay())
