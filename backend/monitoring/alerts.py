"""The book of alerts: one for a person, a rule and a subject, however often it is hit.

Rules are the callers' business: whoever finds something raises it here, and resolves it here when it is over. The book
stores it first; what is told to sockets and to people outside comes after, so that nothing that was told can be lost.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from backend.errors import NotFoundError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import Listeners
from backend.resilience.guard import Guard
from backend.schemas.times import utc_iso
from backend.storage.database import Database, Filter, Order, Row, count, rows

logger = logging.getLogger("jupiter.alerts")

TABLE = "alerts"
OPEN = ("raised", "acknowledged")
_SPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that was hit.

    Args:
        user_id: whom it concerns.
        rule: the rule's name, e.g. known_exploited.
        subject: what hit it, e.g. an id; with the rule it names the alert.
        details: what else is to be known; an alert that is hit again with other details is told again.
    """

    user_id: str
    rule: str
    subject: str
    severity: str
    title: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def alert_id(self) -> str:
        """The id of its alert."""
        return str(uuid.uuid5(_SPACE, "\x1f".join((self.user_id, self.rule, self.subject))))


@dataclass(frozen=True, slots=True)
class AlertTold:
    """An alert was raised (or has changed), or resolved."""

    event: Literal["alert_raised", "alert_resolved"]
    alert: Row


class AlertBook:
    """Keeps alerts.

    Args:
        database: where they are.
        guard: of the database.
        delivers: whether people outside are to be told, too.
    """

    def __init__(
        self, database: Database, guard: Guard, *, delivers: bool = False, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._database = database
        self._guard = guard
        self._delivers = delivers
        self._clock = clock
        self.listeners = Listeners()

    def hit(self, hit: Hit, *, again: Callable[[Row], Hit] | None = None) -> bool:
        """Raise the alert of a hit, or change it; tell whether anything is new about it.

        One that was resolved is raised again when its details are others than before.

        Args:
            again: returns the hit for an alert that is known, whose details it may go on with.

        Raises:
            DatabaseError: it could not be stored.
        """
        known = self._one([{"column": "id", "value": hit.alert_id}])
        if known is not None and again is not None:
            hit = again(known)
        if known is not None and known["details"] == dict(hit.details):
            return False
        now = utc_iso(self._clock.now())
        opened = known is None or known["status"] == "resolved"
        alert: Row = {
            "id": hit.alert_id,
            "user_id": hit.user_id,
            "rule": hit.rule,
            "subject": hit.subject,
            "status": "raised" if known is None or opened else known["status"],
            "severity": hit.severity,
            "title": hit.title,
            "message": hit.message,
            "details": dict(hit.details),
            "delivery": ("pending" if self._delivers else "none") if known is None or opened else known["delivery"],
            "raised_at": now if known is None or opened else known["raised_at"],
            "acknowledged_at": None if known is None or opened else known["acknowledged_at"],
            "resolved_at": None,
            "updated_at": now,
        }
        self._ask("upsert", data=alert)
        logger.info("📡 %s", hit.title, extra={"user": hit.user_id})
        self.listeners.notify(AlertTold("alert_raised", alert))
        return True

    def amend(self, alert: Row, details: Mapping[str, Any]) -> None:
        """Change the details of an alert without telling anybody."""
        self._change(alert, {"details": dict(details), "updated_at": utc_iso(self._clock.now())})

    def acknowledge(self, user_id: str, alert_id: str) -> Row:
        """Note that somebody has seen it.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        alert = self._own(user_id, alert_id)
        if alert["status"] != "raised":
            return alert
        now = utc_iso(self._clock.now())
        changed = self._change(alert, {"status": "acknowledged", "acknowledged_at": now, "updated_at": now})
        self.listeners.notify(AlertTold("alert_raised", changed))
        return changed

    def resolve(self, user_id: str, alert_id: str) -> Row:
        """Note that it is over.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        alert = self._own(user_id, alert_id)
        if alert["status"] == "resolved":
            return alert
        now = utc_iso(self._clock.now())
        told = "none" if alert["delivery"] == "pending" else alert["delivery"]
        changed = self._change(alert, {"status": "resolved", "delivery": told, "resolved_at": now, "updated_at": now})
        self.listeners.notify(AlertTold("alert_resolved", changed))
        return changed

    def list(self, user_id: str, filters: Sequence[Filter], order: Sequence[Order], limit: int) -> Sequence[Row]:
        """Return alerts of a person (one more than `limit` where there are more)."""
        own = [{"column": "user_id", "value": user_id}, *filters]
        return self._ask("select", filters=own, order=order, limit=limit + 1)

    def count(self, user_id: str, filters: Sequence[Filter] = ()) -> int:
        """Return how many alerts of a person the filters find."""
        own = [{"column": "user_id", "value": user_id}, *filters]
        return int(self._guard.call(lambda: count(self._database.execute_query(TABLE, "count", filters=own))))

    def open_of(self, user_id: str, rule: str) -> Sequence[Row]:
        """Return a person's alerts of a rule that are not resolved."""
        return self._ask(
            "select",
            filters=[
                {"column": "user_id", "value": user_id},
                {"column": "rule", "value": rule},
                {"column": "status", "operator": "in", "value": list(OPEN)},
            ],
            limit=1000,
        )

    def pending(self, limit: int) -> Sequence[Row]:
        """Return alerts that people outside are still to be told of, the oldest first."""
        return self._ask(
            "select", filters=[{"column": "delivery", "value": "pending"}], order=[{"column": "raised_at"}], limit=limit
        )

    def delivered(self, alerts: Sequence[Row]) -> None:
        """Note that people outside were told of these; one that was resolved or raised again meanwhile stays so."""
        for alert in alerts:
            as_told = [{"column": name, "value": alert[name]} for name in ("id", "raised_at", "delivery")]
            self._ask("update", filters=as_told, data={"delivery": "delivered"})

    def _own(self, user_id: str, alert_id: str) -> Row:
        found = self._one([{"column": "id", "value": alert_id}, {"column": "user_id", "value": user_id}])
        if found is None:
            raise NotFoundError(f"there is no alert {alert_id}")
        return found

    def _change(self, alert: Row, changes: Row) -> Row:
        self._ask("update", filters=[{"column": "id", "value": alert["id"]}], data=changes)
        return {**alert, **changes}

    def _one(self, filters: Sequence[Filter]) -> Row | None:
        return next(iter(self._ask("select", filters=filters, limit=1)), None)

    def _ask(self, operation: Any, **details: Any) -> Sequence[Row]:
        answer: Sequence[Row] = self._guard.call(
            lambda: rows(self._database.execute_query(TABLE, operation, **details))
        )
        return answer
