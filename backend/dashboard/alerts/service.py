"""Alerts as their owner handles them: list, acknowledge, resolve."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backend.dashboard.paging import next_cursor, page_of
from backend.monitoring.alerts import OPEN, AlertBook, AlertTold
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.storage.database import Filter, Row

RECENT = 50
_SHOWN = (
    "id",
    "rule",
    "subject",
    "status",
    "severity",
    "title",
    "message",
    "details",
    "delivery",
    "raised_at",
    "acknowledged_at",
    "resolved_at",
    "updated_at",
)


class AlertService:
    """The use cases about alerts; each is its owner's alone.

    Args:
        book: keeps them.
        emit: publishes an event to a person: user, event, payload.
    """

    def __init__(
        self, book: AlertBook, emit: Callable[[str, str, Mapping[str, Any]], object], *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._book = book
        self._emit = emit
        self._clock = clock
        book.listeners.subscribe(self._on_alert, AlertTold)

    def acknowledge(self, user_id: str, alert_id: str) -> dict[str, Any]:
        """Note that it was seen; raises NotFoundError where there is none."""
        return shown_alert(self._book.acknowledge(user_id, alert_id))

    def resolve(self, user_id: str, alert_id: str) -> dict[str, Any]:
        """Note that it is over; raises NotFoundError where there is none."""
        return shown_alert(self._book.resolve(user_id, alert_id))

    def snapshot(self, user_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the open alerts as the events that would have told of them, the oldest first."""
        filters: list[Filter] = [{"column": "status", "operator": "in", "value": list(OPEN)}]
        page = page_of("-raised_at", None)
        found = self._book.list(user_id, filters, page.order, RECENT)[:RECENT]
        return [("alert_raised", self._payload(alert)) for alert in reversed(found)]

    def _on_alert(self, told: AlertTold) -> None:
        self._emit(told.alert["user_id"], told.event, self._payload(told.alert))

    def _payload(self, alert: Row) -> dict[str, Any]:
        return {"alert": shown_alert(alert), "timestamp": self._clock.now().isoformat()}

    def list(self, user_id: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of alerts, the newest first."""
        filters: list[Filter] = []
        if query.get("status"):
            filters.append({"column": "status", "value": query["status"]})
        page, limit = page_of("-raised_at", query.get("cursor")), query.get("limit", RECENT)
        found = self._book.list(user_id, [*filters, *page.filters], page.order, limit)
        shown = found[:limit]
        return {
            "alerts": [shown_alert(alert) for alert in shown],
            "count": len(shown),
            "total": self._book.count(user_id, filters),
            "open": self._book.count(user_id, [{"column": "status", "value": "raised"}]),
            "next_cursor": next_cursor("-raised_at", shown[-1]) if len(found) > limit else None,
        }


def shown_alert(alert: Row) -> dict[str, Any]:
    """Return an alert as it is shown."""
    return {name: alert.get(name) for name in _SHOWN}
