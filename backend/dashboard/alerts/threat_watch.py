"""Watching the catalogue: what becomes known to be exploited and is in an earlier scan, or on a watch list.

A finding that was known to be exploited when it was joined is told by its scan. One that was not, and now is, raises an
alert, one for each person and vulnerability, and its findings are joined anew. What is watched by name alerts for
entries that came into the catalogue since the day it was put on the list.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from backend.dashboard.alerts.watch_list import WatchList
from backend.dashboard.scans.join import Intelligence, Joiner
from backend.dashboard.scans.store import ScanStore
from backend.errors import DashboardError
from backend.monitoring.alerts import AlertBook, Hit
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.storage.database import Row

logger = logging.getLogger("jupiter.alerts")

RULE = "known_exploited"
PAUSE_SECONDS, REMEMBERED_SECONDS = 1.0, 60.0
_AT_ONCE = 500
_NAMED = 20

Interest = dict[str, dict[str, dict[str, int]]]


class ThreatWatch:
    """Raises alerts by itself when the catalogue changes.

    Args:
        intelligence: what is known of vulnerabilities.
        joiner: makes rows of findings anew.
        store: findings of earlier scans.
        watched: the watch lists.
        book: of alerts.
        search: returns known-exploited records that fit words.
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
        search: Callable[[str], list[Mapping[str, Any]]],
        incomplete: Callable[[], object],
        leads: Callable[[], bool] = lambda: True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._intelligence = intelligence
        self._joiner = joiner
        self._store = store
        self._watched = watched
        self._book = book
        self._search = search
        self._incomplete = incomplete
        self._leads = leads
        self._clock = clock
        self._interest: Interest = {}
        self._entries: list[Row] = []
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
        """Resolve the alerts that were only about a scan which is deleted."""
        try:
            for alert in self._book.open_of(user, RULE):
                scans = {scan.get("scan_id") for scan in alert["details"].get("scans", ())}
                if scans == {scan_id} and not alert["details"].get("watched"):
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
        self._remember()
        exploited = self._exploited([*self._interest, *self._watched_ids()])
        causes: dict[tuple[str, str], dict[str, Any]] = defaultdict(lambda: {"scans": {}, "watched": []})
        self._in_scans(exploited, causes)
        self._on_lists(exploited, causes)
        for (user, name), cause in causes.items():
            self._book.hit(_hit(user, name, exploited[name], cause))
        self._join_anew(causes)

    def _remember(self) -> None:
        if self._clock.monotonic() - self._remembered_at < REMEMBERED_SECONDS:
            return
        self._remembered_at = self._clock.monotonic()
        interest: Interest = defaultdict(lambda: defaultdict(dict))
        for group in self._store.not_yet_exploited():
            interest[group["vulnerability"]][group["user_id"]][group["scan_id"]] = group["count"]
        self._interest = interest
        self._entries = list(self._watched.everybodys())

    def _watched_ids(self) -> list[str]:
        return [entry["term"] for entry in self._entries if entry["kind"] == "vulnerability"]

    def _exploited(self, names: list[str]) -> dict[str, Mapping[str, Any]]:
        """Return the records of those that are known to be exploited."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            records = self._intelligence.records(part)
            for name in part:
                record = records.get(name.upper())
                if record is not None and record.get("known_exploited"):
                    found[name] = record
            self._stopped.wait(0)
        return found

    def _in_scans(self, exploited: Mapping[str, Mapping[str, Any]], causes: dict[tuple[str, str], Any]) -> None:
        scans: dict[str, Row | None] = {}
        for name in exploited:
            for user, counts in self._interest.get(name, {}).items():
                for scan_id in counts:
                    if scan_id not in scans:
                        scans[scan_id] = self._store.find(scan_id)
                    scan = scans[scan_id]
                    if scan and scan["status"] != "running" and (scan.get("joined") or {}).get("complete"):
                        causes[user, name]["scans"][scan_id] = {"name": scan["name"], "findings": counts[scan_id]}

    def _on_lists(self, exploited: dict[str, Mapping[str, Any]], causes: dict[tuple[str, str], Any]) -> None:
        by_term: dict[str, list[Mapping[str, Any]]] = {}
        for entry in self._entries:
            if entry["kind"] == "vulnerability":
                found = [exploited[entry["term"]]] if entry["term"] in exploited else []
            else:
                if entry["term"] not in by_term:
                    by_term[entry["term"]] = [r for r in self._search(entry["term"]) if _is_named(r, entry["term"])]
                since = str(entry["created_at"])[:10]
                found = [record for record in by_term[entry["term"]] if str(record.get("date_added") or "") >= since]
            for record in found:
                name = entry["term"] if entry["kind"] == "vulnerability" else str(record["id"])
                exploited.setdefault(name, record)
                causes[entry["user_id"], name]["watched"].append(entry["term"])

    def _join_anew(self, causes: Mapping[tuple[str, str], Any]) -> None:
        for (user, name), cause in causes.items():
            for scan_id in cause["scans"]:
                self._join_findings(user, name, scan_id)
        if any(cause["scans"] for cause in causes.values()):
            self._remembered_at = float("-inf")

    def _join_findings(self, user: str, name: str, scan_id: str) -> None:
        scan = self._store.find(scan_id)
        if scan is None or scan["user_id"] != user:
            return
        filters = [{"column": "scan_id", "value": scan_id}, {"column": "vulnerability", "value": name}]
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


def _is_named(record: Mapping[str, Any], term: str) -> bool:
    named = f"{record.get('vendor') or ''} {record.get('product') or ''}".casefold()
    return all(word in named for word in term.split())


def _hit(user: str, name: str, record: Mapping[str, Any], cause: Mapping[str, Any]) -> Hit:
    scans, watched = cause["scans"], list(dict.fromkeys(cause["watched"]))
    findings = sum(scan["findings"] for scan in scans.values())
    where = []
    if scans:
        first = next(iter(scans.values()))["name"]
        others = f" and {len(scans) - 1} more" if len(scans) > 1 else ""
        where.append(
            f"It is in {findings} finding{'' if findings == 1 else 's'} of your scan{'s' if others else ''} "
            f"“{first}”{others}."
        )
    if watched:
        where.append(f"You watch {', '.join(watched[:5])}.")
    title = str(record.get("title") or name)
    due = f" It is to be fixed by {record['due_date']}." if record.get("due_date") else ""
    ransomware = " It is used in ransomware campaigns." if record.get("ransomware") else ""
    listed = [{"scan_id": scan_id, **scan} for scan_id, scan in list(scans.items())[:_NAMED]]
    return Hit(
        user_id=user,
        rule=RULE,
        subject=name,
        severity="critical" if record.get("ransomware") else "high",
        title=f"{name} is now known to be exploited",
        message=f"{title}. {' '.join(where)}{due}{ransomware}",
        details={
            "threat_id": record.get("id"),
            "scans": listed,
            "watched": watched,
            "due_date": record.get("due_date"),
        },
    )
