"""Telling people outside of alerts: as soon as a receiver takes it, also after a restart, several as one message.

Each receiver is told by itself: one that is away neither holds the others up nor has them told twice.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from backend.errors import CircuitBreakerOpenError, DashboardError
from backend.monitoring.alerts import AlertBook, AlertTold
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.storage.database import Row

logger = logging.getLogger("jupiter.alerts")

AT_ONCE, MOST = 20, 1000
QUIET_SECONDS, FIRST_RETRY, LONGEST_RETRY = 30.0, 2.0, 60.0
GIVE_UP_SECONDS = 86_400.0


class Notifier(Protocol):
    """A way to tell people outside."""

    @property
    def receivers(self) -> Sequence[int]:
        """Numbers of those who are told."""

    def send(self, receiver: int, title: str, body: str) -> None:
        """Tell one of them.

        Raises:
            NetworkError: it was not taken.
        """
        ...


class AlertDelivery:
    """Delivers what is pending in the book; at least once, and not more than once as long as the process lives.

    An alert that some receivers took and another has not taken for a day is given up for that one.

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
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._book = book
        self._notifier = notifier
        self._guard = guard
        self._leads = leads
        self._wait = wait
        self._clock = clock
        self._wake = threading.Event()
        self._stopped = False
        self._failures = 0
        self._told: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
        self._failing: set[int] = set()
        book.listeners.subscribe(self._on_alert, AlertTold)

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin to deliver."""
        spawn(self._loop)

    def stop(self) -> None:
        """End it; what is pending is delivered after the next start."""
        self._stopped = True
        self._wake.set()

    def deliver(self) -> bool:
        """Deliver what is pending now; tell whether all of it was taken.

        Raises:
            DashboardError: the database is away. Nobody is told again of what could not be noted in it.
        """
        alerts = self._book.pending(MOST)
        pending = {_key(alert) for alert in alerts}
        for told in self._told.values():
            told.intersection_update(pending)
        # those that work come first: a broken one must not be the probe that keeps the breaker open for all
        receivers = sorted(self._notifier.receivers, key=lambda each: each in self._failing)
        taken = [self._tell(receiver, alerts) for receiver in receivers]
        self._failures = 0 if all(taken) else self._failures + 1
        over = [alert for alert in alerts if self._is_over(alert)]
        if over:
            self._book.delivered(over)
            logger.info("✅ Told of %d alerts", len(over))
        return all(taken)

    def _tell(self, receiver: int, alerts: Sequence[Row]) -> bool:
        told = self._told[receiver]
        while new := [alert for alert in alerts if _key(alert) not in told][:AT_ONCE]:
            try:
                self._guard.call(self._notifier.send, receiver, *message(new))
            except DashboardError as error:
                if not isinstance(error, CircuitBreakerOpenError):
                    self._failing.add(receiver)
                logger.warning("⚠️ %d alerts wait for receiver %d: %s", len(new), receiver + 1, error)
                return False
            told.update(map(_key, new))
        self._failing.discard(receiver)
        return True

    def _is_over(self, alert: Row) -> bool:
        told = [_key(alert) in self._told[receiver] for receiver in self._notifier.receivers]
        if any(told) and not all(told):
            waited = self._clock.now() - datetime.fromisoformat(alert["raised_at"])
            return waited.total_seconds() > GIVE_UP_SECONDS
        return all(told)

    def _loop(self) -> None:
        while not self._stopped:
            self._wake.clear()
            taken = True
            if self._leads():
                try:
                    taken = self.deliver()
                except DashboardError as error:  # the database is away: they stay pending in it
                    logger.warning("⚠️ Alerts cannot be read for delivery: %s", error)
                except Exception:  # the boundary of a background task: the next round tries again
                    logger.exception("❌ Delivering alerts failed")
            delay = QUIET_SECONDS if taken else min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures, 6))
            self._wait(self._wake, delay)

    def _on_alert(self, told: AlertTold) -> None:
        if told.alert.get("delivery") == "pending":
            self._wake.set()


def _key(alert: Row) -> tuple[str, str]:
    """What tells an alert from the same one raised again."""
    return str(alert["id"]), str(alert["raised_at"])


def message(alerts: Sequence[Row]) -> tuple[str, str]:
    """Return title and body of the message that tells of alerts."""
    if len(alerts) == 1:
        return f"Jupiter: {alerts[0]['title']}", str(alerts[0]["message"] or alerts[0]["title"])
    lines = [f"- {alert['title']}. {alert['message']}" for alert in alerts]
    return f"Jupiter: {len(alerts)} alerts", "\n".join(lines)
