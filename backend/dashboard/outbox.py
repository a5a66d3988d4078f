"""The outbox for those who look after it: what waits, what was set aside and why, and what to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.dashboard.audit.log import AuditLog
from backend.errors import DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.loading import load
from backend.schemas.outbox import OutboxQuerySchema
from backend.storage.outbox.entries import Entry
from backend.storage.outbox.outbox import Counts, Outbox
from backend.storage.outbox.replayer import Replayer


class OutboxService:
    """The use cases about the outbox.

    Args:
        outbox: what waits.
        replayer: does it when the database is back.
        audit: notes who retried and discarded what.
    """

    def __init__(self, outbox: Outbox, replayer: Replayer, audit: AuditLog, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._outbox = outbox
        self._replayer = replayer
        self._audit = audit
        self._clock = clock
        self._query = OutboxQuerySchema()

    def list(self, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a page of entries with the totals; see `OutboxSchema`.

        Raises:
            ValidationError: the query is wrong.
            DatabaseError: the outbox cannot be read.
        """
        wanted = load(self._query, query or {})
        found = self._outbox.listing(wanted["limit"] + 1, state=wanted.get("state"), after=wanted["cursor"])
        shown = found[: wanted["limit"]]
        return {
            "entries": [_view(entry) for entry in shown],
            **self._outbox.counts()._asdict(),
            "next_cursor": shown[-1].seq if len(found) > len(shown) else None,
            "timestamp": self._clock.now().isoformat(),
        }

    def retry(self, entry_id: str, *, by: str) -> Entry:
        """Put an entry that was set aside back into the order, and try it at once.

        Raises:
            NotFoundError: no such entry is set aside.
        """
        entry = self._outbox.retry(entry_id)
        self._audit.note(by, "retry_outbox_entry", entry.write.record_id, **_details(entry))
        self._replayer.wake()
        return entry

    def discard(self, entry_id: str, *, by: str) -> Entry:
        """Give up a write that was set aside. What it would have written is noted in the audit log, without values.

        Raises:
            NotFoundError: no such entry is set aside.
        """
        entry = self._outbox.discard(entry_id)
        self._audit.note(by, "discard_outbox_entry", entry.write.record_id, **_details(entry))
        return entry

    def check(self) -> dict[str, str]:
        """Return {status, message?} for the health report."""
        try:
            counts = self._outbox.counts()
        except DashboardError:
            return {"status": "unhealthy", "message": "The outbox cannot be read."}
        if counts.set_aside:
            return {"status": "degraded", "message": f"{counts.set_aside} writes were set aside; see the console."}
        if counts.pending:
            return {"status": "degraded", "message": f"{counts.pending} writes wait for the database."}
        return {"status": "healthy"}

    def counts(self) -> Counts:
        """Return how much there is; nothing where the outbox cannot be read."""
        try:
            return self._outbox.counts()
        except DashboardError:
            return Counts()


def _view(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "state": entry.state,
        "record_id": entry.write.record_id,
        "owner": entry.write.owner,
        "attempts": entry.attempts,
        "error": entry.error,
        "queued_at": entry.queued_at,
        "tried_at": entry.tried_at,
        **_details(entry),
    }


def _details(entry: Entry) -> dict[str, Any]:
    one = entry.write
    return {"table": one.table, "operation": one.operation, "columns": sorted(one.data or {})}
