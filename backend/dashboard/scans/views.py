"""Scans and findings as their owner looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.dashboard.paging import next_cursor, page_of
from backend.dashboard.scans.payload import TOP, result, shown_finding, shown_scan
from backend.dashboard.scans.runner import ScanRunner
from backend.dashboard.scans.store import ScanStore
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.storage.database import Filter, Row

RECENT = 20


class ScanViews:
    """What can be read of scans; each is its owner's alone.

    Args:
        store: scans and findings.
        runner: knows what is being worked off.
    """

    def __init__(self, store: ScanStore, runner: ScanRunner, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._runner = runner
        self._clock = clock

    def get(self, user_id: str, scan_id: str) -> dict[str, Any]:
        """Return a scan.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        return shown_scan(self._store.get(user_id, scan_id))

    def findings(self, user_id: str, scan_id: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of a scan's findings, known-exploited ones first, then by priority."""
        scan = self._store.get(user_id, scan_id)
        limit = query.get("limit", 50)
        found, total = self._store.findings(_filters(scan, query), page_of("rank", query.get("cursor")), limit)
        shown = found[:limit]
        return {
            "findings": [shown_finding(row) for row in shown],
            "count": len(shown),
            "total": total,
            "next_cursor": next_cursor("rank", shown[-1]) if len(found) > len(shown) else None,
            "scan": shown_scan(scan),
        }

    def export(
        self, user_id: str, scan_id: str, query: Mapping[str, Any]
    ) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
        """Return a scan and an iterator of all findings that the filters find, in the order of the list."""
        scan = self._store.get(user_id, scan_id)
        pages = self._store.each_page(_filters(scan, query))
        first = next(pages)  # so that a database that is away is told before the answer begins

        def findings() -> Iterator[dict[str, Any]]:
            yield from map(shown_finding, first)
            for page in pages:
                yield from map(shown_finding, page)

        return shown_scan(scan), findings()

    def snapshot(self, user_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the newest scans as the events that would have told of them, the oldest first."""
        found, _ = self._store.page([{"column": "user_id", "value": user_id}], page_of("-created_at", None), RECENT)
        now = self._clock.now().isoformat()
        events: list[tuple[str, Mapping[str, Any]]] = []
        for scan in reversed(found[:RECENT]):
            events.append(("scan_result", result(scan, [], now)))
            running = self._runner.running.get(scan["id"])
            if running is not None:
                events.append(("scan_progress", running.payload()))
        return events

    def top(self, user_id: str, scan_id: str) -> list[dict[str, Any]]:
        """Return the findings of a scan to look at first."""
        return list(self.findings(user_id, scan_id, {"limit": TOP})["findings"])

    def list(self, user_id: str, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of a person's scans, the newest first."""
        filters: list[Filter] = [{"column": "user_id", "value": user_id}]
        if query.get("status"):
            filters.append({"column": "status", "value": query["status"]})
        if query.get("search"):
            filters.append({"column": "name", "operator": "ilike", "value": f"%{_escaped(query['search'])}%"})
        limit = query.get("limit", RECENT)
        found, total = self._store.page(filters, page_of("-created_at", query.get("cursor")), limit)
        shown = found[:limit]
        return {
            "scans": [shown_scan(scan) for scan in shown],
            "count": len(shown),
            "total": total,
            "next_cursor": next_cursor("-created_at", shown[-1]) if len(found) > len(shown) else None,
        }


def _filters(scan: Row, query: Mapping[str, Any]) -> list[Filter]:
    filters: list[Filter] = [{"column": "scan_id", "value": scan["id"]}]
    if query.get("severity"):
        filters.append({"column": "severity", "value": query["severity"]})
    if query.get("known_exploited") is not None:
        filters.append({"column": "known_exploited", "value": "yes" if query["known_exploited"] else "no"})
    for word in str(query.get("search") or "").casefold().split()[:10]:
        filters.append({"column": "search", "operator": "like", "value": f"%{_escaped(word)}%"})
    return filters


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
