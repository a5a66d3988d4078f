"""Telling people outside of alerts: as soon as the receiver takes it, also after a restart, several as one message."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from backend.errors import DashboardError
from backend.monitoring.alerts import AlertBook, AlertTold
from backend.resilience.guard import Guard
from backend.storage.database import Row

logger = logging.getLogger("jupiter.alerts")

AT_ONCE = 20
QUIET_SECONDS, FIRST_RETRY, LONGEST_RETRY = 30.0, 2.0, 60.0


class Notifier(Protocol):
    """A way to tell people outside."""

    def send(self, title: str, body: str) -> None:
        """Tell them.

        Raises:
            NetworkError: it was not taken.
        """
        ...


class AlertDelivery:
    """Delivers what is pending in the book; at least once, and not more than once as long as the process lives.

    Args:
        book: of alerts.
        notifier: tells people outside.
        guard: of the notifier.
        leads: whether this process is the one that delivers, where there are several.
        wait: waits for an event or a time, whichever comes first.
    """

    def __init__(
        self,
        book: AlertBook,
        notifier: Notifier,
        guard: Guard,
        *,
        leads: Callable[[], bool] = lambda: True,
        wait: Callable[[threading.Event, float], object] = lambda event, seconds: event.wait(seconds),
    ) -> None:
        self._book = book
        self._notifier = notifier
        self._guard = guard
        self._leads = leads
        self._wait = wait
        self._wake = threading.Event()
        self._stopped = False
        self._failures = 0
        book.listeners.subscribe(self._on_alert, AlertTold)

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin to deliver."""
        spawn(self._loop)

    def stop(self) -> None:
        """End it; what is pending is delivered after the next start."""
        self._stopped = True
        self._wake.set()

    def deliver(self) -> bool:
        """Deliver what is pending now; tell whether all of it was taken."""
        alerts = self._book.pending(AT_ONCE)
        if not alerts:
            return True
        title, body = message(alerts)
        try:
            self._guard.call(self._notifier.send, title, body)
        except DashboardError as error:
            self._failures += 1
            logger.warning("⚠️ %d alerts wait for their receiver: %s", len(alerts), error)
            return False
        self._failures = 0
        self._book.delivered(alerts)
        logger.info("✅ Told of %d alerts", len(alerts))
        return True

    def _loop(self) -> None:
        while not self._stopped:
            self._wake.clear()
            taken = True
            if self._leads():
                try:
                    taken = self.deliver()
                except DashboardError as error:  # the database is away: they stay pending in it
                    logger.warning("⚠️ Alerts cannot be read for delivery: %s", error)
            delay = QUIET_SECONDS if taken else min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures, 6))
            self._wait(self._wake, delay)

    def _on_alert(self, told: AlertTold) -> None:
        if told.alert.get("delivery") == "pending":
            self._wake.set()


def message(alerts: Sequence[Row]) -> tuple[str, str]:
    """Return title and body of the message that tells of alerts."""
    if len(alerts) == 1:
        return f"Jupiter: {alerts[0]['title']}", str(alerts[0]["message"] or alerts[0]["title"])
    lines = [f"- {alert['title']}. {alert['message']}" for alert in alerts]
    return f"Jupiter: {len(alerts)} alerts", "\n".join(lines)
