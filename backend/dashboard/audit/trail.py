"""Reading who did what, the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.dashboard.paging import next_cursor, page_of
from backend.resilience.guard import Guard
from backend.storage.database import Database, Filter, Order, Row, rows

SORT = "-created_at"


class AuditTrail:
    """Reads the table audit_log.

    Args:
        database: where it is.
        guard: calls it.
    """

    def __init__(self, database: Database, guard: Guard) -> None:
        self._database = database
        self._guard = guard

    def page(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return acts, the newest first: entries, next_cursor.

        Args:
            query: user_id (who), action (what), target (to whom or what), limit, cursor; see `AuditQuerySchema`.

        Raises:
            ValidationError: the cursor is none of this list's.
        """
        filters: list[Filter] = [
            {"column": name, "value": query[name]} for name in ("user_id", "action", "target") if query.get(name)
        ]
        page = page_of(SORT, query.get("cursor"))
        limit = int(query.get("limit", 50))
        found = self._guard.call(self._read, [*filters, *page.filters], page.order, limit + 1)
        shown = found[:limit]
        return {"entries": shown, "next_cursor": next_cursor(SORT, shown[-1]) if len(found) > limit else None}

    def _read(self, filters: Sequence[Filter], order: Sequence[Order], limit: int) -> list[Row]:
        return rows(self._database.execute_query("audit_log", "select", filters=filters, order=order, limit=limit))
