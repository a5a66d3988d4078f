"""Watching the catalogue: what becomes known to be exploited and is in an earlier scan, or on a watch list.

A finding that was known to be exploited when it was joined is told by its scan. One that was not, and now is, raises an
alert, one for each person and entry of the catalogue, and its findings are joined anew. What is watched by name alerts
for entries that came into the catalogue since the day it was put on the list.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from backend.dashboard.alerts.known_exploited import RULE, Cause, Products, by_name
from backend.dashboard.alerts.watch_list import WatchList
from backend.dashboard.scans.join import Intelligence, Joiner
from backend.dashboard.scans.store import ScanStore
from backend.errors import DashboardError
from backend.monitoring.alerts import AlertBook
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.storage.database import Filter, Row

logger = logging.getLogger("jupiter.alerts")

PAUSE_SECONDS, REMEMBERED_SECONDS = 1.0, 60.0

Records = Mapping[str, Mapping[str, Any]]
Causes = dict[tuple[str, str], Cause]


class ThreatWatch:
    """Raises alerts by itself when the catalogue changes.

    Args:
        intelligence: what is known of vulnerabilities.
        joiner: makes rows of findings anew.
        store: findings of earlier scans.
        watched: the watch lists.
        book: of alerts.
        exploited: returns the records of all that is known to be exploited.
        incomplete: joins scans anew that were joined while there was no catalogue.
        leads: whether this process is the one that watches, where there are several.
    """

    def __init__(
        self,
        intelligence: Intelligence,
        joiner: Joiner,
        store: ScanStore,
        watched: WatchList,
        book: AlertBook,
        *,
        exploited: Callable[[], Iterable[Mapping[str, Any]]],
        incomplete: Callable[[], object],
        leads: Callable[[], bool] = lambda: True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._intelligence = intelligence
        self._joiner = joiner
        self._store = store
        self._watched = watched
        self._book = book
        self._exploited = exploited
        self._incomplete = incomplete
        self._leads = leads
        self._clock = clock
        self._found: list[Mapping[str, Any]] = []
        self._entries: list[Row] = []
        self._asked: frozenset[str] = frozenset()
        self._remembered_at = float("-inf")
        self._complete = False
        self._wake = threading.Event()
        self._stopped = threading.Event()
        watched.listeners.subscribe(lambda _: self.changed())

    def changed(self, *_: Any) -> None:
        """Say that scans or watch lists have changed: they are read anew, and looked at."""
        self._remembered_at = float("-inf")
        self._wake.set()

    def touch(self, *_: Any) -> None:
        """Say that the catalogue may have changed."""
        self._wake.set()

    def forget(self, user: str, scan_id: str) -> None:
        """Take a scan that is deleted out of the alerts; resolve those that were about nothing else."""
        try:
            for alert in self._book.open_of(user, RULE):
                scans = list(alert["details"].get("scans", ()))
                left = [scan for scan in scans if scan.get("scan_id") != scan_id]
                if len(left) < len(scans):
                    self._book.amend(alert, {**alert["details"], "scans": left})
                    if not left and not alert["details"].get("watched"):
                        self._book.resolve(user, alert["id"])
        except DashboardError as error:  # the scan is gone all the same; its alerts can be resolved by hand
            logger.warning("⚠️ The alerts of a deleted scan stay open: %s", error)
        self.changed()

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin to watch."""
        spawn(self._loop)

    def stop(self) -> None:
        """End it."""
        self._stopped.set()
        self._wake.set()

    def look(self) -> None:
        """Compare everything that is watched with the catalogue as it is now.

        Raises:
            DashboardError: the database is away; nothing is lost by it.
        """
        complete = bool(self._intelligence.state()["complete"])
        if not complete:
            self._complete = False
            return
        if not self._complete:
            self._incomplete()
        self._complete = True
        records = list(self._exploited())
        named = by_name(records)
        self._remember(named)
        causes: Causes = {}
        self._in_scans(named, causes)
        self._on_lists(named, Products(records), causes)
        for (user, _), cause in causes.items():
            self._book.hit(cause.hit(user), again=partial(cause.hit, user))
        self._join_anew(causes)

    def _remember(self, named: Records) -> None:
        """Read which findings are called so and not marked yet: few, however many findings there are."""
        fresh = self._clock.monotonic() - self._remembered_at < REMEMBERED_SECONDS
        if fresh and self._asked == named.keys():
            return
        self._remembered_at = self._clock.monotonic()
        self._asked = frozenset(named)
        self._found = self._store.not_yet_exploited(list(named))
        self._entries = list(self._watched.everybodys())

    def _in_scans(self, named: Records, causes: Causes) -> None:
        scans: dict[str, Row | None] = {}
        for group in self._found:
            name, scan_id = group["vulnerability"], group["scan_id"]
            if scan_id not in scans:
                scans[scan_id] = self._store.find(scan_id)
            scan = scans[scan_id]
            if scan and scan["status"] != "running" and (scan.get("joined") or {}).get("complete"):
                _cause(causes, group["user_id"], named[name]).add_finding(name, scan, group["count"])

    def _on_lists(self, named: Records, products: Products, causes: Causes) -> None:
        for entry in self._entries:
            if entry["kind"] == "vulnerability":
                found = [named[entry["term"]]] if entry["term"] in named else []
            else:
                found = products.since(str(entry["created_at"])[:10], entry["term"])
            for record in found:
                _cause(causes, entry["user_id"], record).watched.append(entry["term"])

    def _join_anew(self, causes: Causes) -> None:
        for (user, _), cause in causes.items():
            for scan_id in cause.scans:
                self._join_findings(user, sorted(cause.names), scan_id)
        if any(cause.scans for cause in causes.values()):
            self._remembered_at = float("-inf")

    def _join_findings(self, user: str, names: list[str], scan_id: str) -> None:
        scan = self._store.find(scan_id)
        if scan is None or scan["user_id"] != user:
            return
        filters: list[Filter] = [
            {"column": "scan_id", "value": scan_id},
            {"column": "vulnerability", "operator": "in", "value": names},
        ]
        for page in self._store.each_page(filters):
            self._store.put_findings(self._joiner.again(scan, page))
        counts = {**(scan.get("counts") or {}), **self._store.counts(scan_id)}
        self._store.change(scan_id, {"counts": counts})

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait(REMEMBERED_SECONDS)
            self._wake.clear()
            if self._stopped.is_set():
                return
            try:
                if self._leads():
                    self.look()
            except DashboardError as error:  # recorded by the guard; looked at again with the next change
                logger.warning("⚠️ What is watched cannot be compared with the catalogue: %s", error)
                self._remembered_at = float("-inf")
            except Exception:  # the boundary of a background task
                logger.exception("❌ Watching the catalogue failed; the next change tries again")
            self._stopped.wait(PAUSE_SECONDS)


def _cause(causes: Causes, user: str, record: Mapping[str, Any]) -> Cause:
    return causes.setdefault((user, str(record["id"])), Cause(record))
