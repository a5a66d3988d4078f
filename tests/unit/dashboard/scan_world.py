"""Everything about scans over a real database in a temporary file, without a network and without waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.dashboard.alerts.service import AlertService
from backend.dashboard.alerts.threat_watch import ThreatWatch
from backend.dashboard.alerts.watch_list import WatchList
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.scans.join import Intelligence, Joiner
from backend.dashboard.scans.queue import WorkQueue
from backend.dashboard.scans.runner import ScanRunner
from backend.dashboard.scans.service import ScanService
from backend.dashboard.scans.store import ScanStore
from backend.monitoring.alerts import AlertBook
from backend.resilience.guard import Guards, Policy
from backend.scans.spool import Spool
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase
from tests.unit.scans import samples

ADA, EVE = "ada", "eve"


class HandQueue(WorkQueue):
    """Runs its jobs when it is told to."""

    def run(self) -> None:
        """Run all that waits."""
        while job := self.take():
            try:
                job.run()
            finally:
                self.settle(job)


class ScanWorld:
    """The use cases with a catalogue that a test fills.

    Args:
        folder: of the database and the uploads.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 1_000_000, **spool: Any) -> None:
        self.folder = folder
        self.database = FlakyDatabase(SqliteDatabase(folder / "x.sqlite3", offload=_here))
        self.guards = Guards()
        policy = Policy(failure_threshold=1_000_000, attempts=1, timeout=30)
        stored = self.guards.add("database", feature="dashboard_data", policy=policy)
        self.reading = self.guards.add("scan_reader", feature="scan_processing", policy=policy)
        self.records: dict[str, dict[str, Any]] = {}
        self.topics: list[dict[str, Any]] = []
        self.loaded = True
        self.told: list[tuple[str, str, Mapping[str, Any]]] = []
        self.intelligence = Intelligence(self._find, self._state, lambda: {"topics": self.topics})
        joiner = Joiner(self.intelligence)
        self.store = ScanStore(self.database, stored)
        self.experiments = ExperimentService(self.database, stored)
        self.queue = HandQueue()
        self.runner = ScanRunner(
            self.store,
            self.reading,
            joiner,
            self._emit,
            set_experiment=lambda user, name, status: self.experiments.update(user, name, {"status": status}),
            offload=_here,
            spawn=lambda *_: None,
        )
        self.spool = Spool(folder / "uploads", max_bytes, give_way=lambda: None, **spool)
        self.scans = ScanService(
            self.spool,
            self.store,
            self.runner,
            self.experiments,
            self._emit,
            admit=lambda: self.reading.call(lambda: None),
            deleted=lambda user, scan_id: self.watch.forget(user, scan_id),  # noqa: PLW0108 - it is made below
            queue=self.queue,
            offload=_here,
        )
        self.book = AlertBook(self.database, stored, delivers=True)
        self.alerts = AlertService(self.book, self._emit)
        self.watched = WatchList(self.database, stored)
        self.watch = ThreatWatch(
            self.intelligence,
            joiner,
            self.store,
            self.watched,
            self.book,
            exploited=lambda: [record for record in self.records.values() if record["known_exploited"]],
            incomplete=self.scans.join_again_where_incomplete,
        )

    def knows(self, name: str, **said: Any) -> None:
        """Let there be a threat record."""
        self.records[name] = {
            "id": name,
            "title": f"About {name}",
            "vendor": "Acme",
            "product": "Gateway",
            "known_exploited": True,
            "ransomware": False,
            "date_added": "2026-11-01",
            "due_date": "2026-12-01",
            "epss": None,
            "percentile": None,
            **said,
        }

    def upload(self, report: Any, *, user: str = ADA, work: bool = True, **said: str) -> dict[str, Any]:
        """Upload a report and, unless told otherwise, have it worked off."""
        scan_id, upload = self.scans.begin(user)
        upload.write(report if isinstance(report, bytes) else samples.as_bytes(report))
        made = self.scans.accept(user, scan_id, upload, **said)
        if work:
            self.queue.run()
        return self.scans.get(user, made["id"])

    def named(self, event: str) -> list[Mapping[str, Any]]:
        """Return the payloads of an event that were told so far."""
        return [payload for _, name, payload in self.told if name == event]

    def close(self) -> None:
        """Close the database."""
        self.database.close()

    def _find(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        return [r for name, r in self.records.items() if not {name, *(r.get("aliases") or ())}.isdisjoint(ids)]

    def _state(self) -> dict[str, Any]:
        return {"success": self.loaded, "as_of": "2026-11-21T00:00:00+00:00", "sources": []}

    def _emit(self, user: str, event: str, payload: Mapping[str, Any]) -> None:
        self.told.append((user, event, payload))


def _here(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return func(*args, **kwargs)
