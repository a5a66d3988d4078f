"""Scans and findings in the database, always those of one person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backend.dashboard.paging import Page, next_cursor, page_of
from backend.errors import NotFoundError
from backend.resilience.guard import Guard
from backend.storage.conditions import MAX_IN
from backend.storage.database import Database, Filter, Row, count, rows

SCANS, FINDINGS = "scans", "findings"
_BATCH = 200
UNFINISHED = ("queued", "running")


class ScanStore:
    """Reads and writes through the database's guard.

    Args:
        database: where they are.
        guard: of the database.
    """

    def __init__(self, database: Database, guard: Guard) -> None:
        self._database = database
        self._guard = guard

    def put(self, scan: Row) -> None:
        """Write a whole scan; by id, so that an attempt whose answer was lost can be made again."""
        self._ask(SCANS, "upsert", data=scan)

    def change(self, scan_id: str, changes: Row, *, only: Sequence[str] = ()) -> Row | None:
        """Change a scan and return it; None where there is none, or its status is none of `only`."""
        filters: list[Filter] = [{"column": "id", "value": scan_id}]
        if only:
            filters.append({"column": "status", "operator": "in", "value": list(only)})
        return next(iter(self._ask(SCANS, "update", filters=filters, data=changes)), None)

    def find(self, scan_id: str) -> Row | None:
        """Return a scan, whoever's it is: for the background's own work."""
        return next(iter(self._ask(SCANS, "select", filters=[{"column": "id", "value": scan_id}], limit=1)), None)

    def get(self, user_id: str, scan_id: str) -> Row:
        """Return a scan of this person.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        filters = [{"column": "id", "value": scan_id}, {"column": "user_id", "value": user_id}]
        found = self._ask(SCANS, "select", filters=filters, limit=1)
        if not found:
            raise NotFoundError(f"there is no scan {scan_id}")
        return found[0]

    def page(self, filters: Sequence[Filter], page: Page, limit: int) -> tuple[list[Row], int]:
        """Return scans (one more than `limit` where there are more) and how many the filters find."""
        return self._page(SCANS, filters, page, limit)

    def findings(self, filters: Sequence[Filter], page: Page, limit: int) -> tuple[list[Row], int]:
        """Return findings (one more than `limit` where there are more) and how many the filters find."""
        return self._page(FINDINGS, filters, page, limit)

    def next_page(
        self, filters: Sequence[Filter], cursor: str | None, *, order: str = "rank", size: int = _BATCH
    ) -> tuple[list[Row], str | None]:
        """Return some findings, and the cursor of those behind them; None behind the last."""
        page = page_of(order, cursor)
        found = self._ask(FINDINGS, "select", filters=[*filters, *page.filters], order=page.order, limit=size)
        return found, next_cursor(order, found[-1]) if len(found) == size else None

    def each_page(self, filters: Sequence[Filter], *, size: int = _BATCH) -> Iterator[list[Row]]:
        """Yield findings in the order of their rank, page by page, each read when it is wanted."""
        cursor: str | None = None
        while True:
            found, cursor = self.next_page(filters, cursor, size=size)
            yield found
            if cursor is None:
                return

    def put_findings(self, found: Sequence[Row]) -> None:
        """Write findings; those that are there already are replaced."""
        for start in range(0, len(found), _BATCH):
            self._ask(FINDINGS, "upsert", data=list(found[start : start + _BATCH]))

    def counts(self, scan_id: str) -> dict[str, Any]:
        """Return findings, known_exploited and by_severity of a scan, out of what is stored."""
        filters = [{"column": "scan_id", "value": scan_id}]
        groups = self._ask(FINDINGS, "count", columns="severity,known_exploited", filters=filters)
        by_severity: dict[str, int] = {}
        for group in groups:
            by_severity[group["severity"]] = by_severity.get(group["severity"], 0) + group["count"]
        exploited = sum(group["count"] for group in groups if group["known_exploited"] == "yes")
        return {"findings": sum(by_severity.values()), "known_exploited": exploited, "by_severity": by_severity}

    def not_yet_exploited(self, names: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return user_id, scan_id, vulnerability and count of the findings of these names not marked as exploited."""
        found: list[Mapping[str, Any]] = []
        for start in range(0, len(names), MAX_IN):
            filters: list[Filter] = [
                {"column": "known_exploited", "value": "no"},
                {"column": "vulnerability", "operator": "in", "value": list(names[start : start + MAX_IN])},
            ]
            found += self._ask(FINDINGS, "count", columns="vulnerability,user_id,scan_id", filters=filters)
        return found

    def delete(self, user_id: str, scan_id: str) -> bool:
        """Delete a scan of this person with its findings; tell whether there was one."""
        filters = [{"column": "id", "value": scan_id}, {"column": "user_id", "value": user_id}]
        return bool(self._ask(SCANS, "delete", filters=filters))

    def unfinished(self, user_id: str) -> int:
        """Return how many scans of a person wait or run."""
        filters: list[Filter] = [
            {"column": "user_id", "value": user_id},
            {"column": "status", "operator": "in", "value": list(UNFINISHED)},
        ]

        def ask() -> int:
            return count(self._database.execute_query(SCANS, "count", filters=filters))

        return int(self._guard.call(ask))

    def _page(self, table: str, filters: Sequence[Filter], page: Page, limit: int) -> tuple[list[Row], int]:
        def ask() -> tuple[list[Row], int]:
            total = count(self._database.execute_query(table, "count", filters=filters))
            read = self._database.execute_query(
                table, "select", filters=(*filters, *page.filters), order=page.order, limit=limit + 1
            )
            return rows(read), total

        answer: tuple[list[Row], int] = self._guard.call(ask)
        return answer

    def _ask(self, table: str, operation: Any, **details: Any) -> list[Row]:
        def ask() -> list[Row]:
            return rows(self._database.execute_query(table, operation, **details))

        answer: list[Row] = self._guard.call(ask)
        return answer
