"""Scans: taken in, worked off in the background, listed, exported, joined anew, deleted. Each is its owner's alone."""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from backend import runtime
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.paging import page_of
from backend.dashboard.scans.payload import result, shown_scan
from backend.dashboard.scans.progress import queued
from backend.dashboard.scans.queue import WorkQueue
from backend.dashboard.scans.runner import Emit, ScanRunner
from backend.dashboard.scans.store import UNFINISHED, ScanStore
from backend.dashboard.scans.views import ScanViews
from backend.errors import ConflictError, DashboardError, NotFoundError, RateLimitedError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.scans.errors import StorageFullError
from backend.scans.formats import format_of, reader_of
from backend.scans.spool import Claim, Spool, Upload
from backend.schemas.times import utc_iso
from backend.storage.database import Filter, Row

logger = logging.getLogger("jupiter.scans")

MOST_WAITING = 20
LOOK_SECONDS = 5.0
_ORPHAN_SECONDS = 3600.0


class ScanService(ScanViews):
    """The use cases about scans.

    Args:
        spool: the uploads.
        store: scans and findings.
        runner: works a scan off.
        experiments: each scan is one of type security_scan.
        emit: publishes an event to a person.
        admit: raises where scan processing is switched off.
        deleted: told of each scan that was deleted: user, id.
        id_factory: makes the ids.
    """

    def __init__(
        self,
        spool: Spool,
        store: ScanStore,
        runner: ScanRunner,
        experiments: ExperimentService,
        emit: Emit,
        *,
        admit: Callable[[], object] = lambda: None,
        deleted: Callable[[str, str], object] = lambda *_: None,
        queue: WorkQueue | None = None,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = runtime.offload,
        id_factory: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        super().__init__(store, runner, clock=clock)
        self._spool = spool
        self._experiments = experiments
        self._emit = emit
        self._admit = admit
        self._deleted = deleted
        self._queue = queue or WorkQueue()
        self._offload = offload
        self._id_factory = id_factory
        self._stopped = threading.Event()

    @property
    def max_bytes(self) -> int:
        """The most that an upload may have."""
        return self._spool.max_bytes

    def begin(self, user_id: str) -> tuple[str, Upload]:
        """Begin to receive an upload; write it, then `accept` it or `abort` it.

        Raises:
            FeatureDisabledError: scan processing is switched off.
            RateLimitedError: as many scans of this person as allowed wait already.
            StorageFullError: the disk is full.
        """
        self._admit()
        if self._store.unfinished(user_id) >= MOST_WAITING:
            raise RateLimitedError(f"{MOST_WAITING} scans of one person wait already", retry_after=10)
        scan_id = self._id_factory()
        return scan_id, self._spool.receive(scan_id)

    def accept(
        self, user_id: str, scan_id: str, upload: Upload, *, name: str = "", filename: str = "", format: str = ""
    ) -> dict[str, Any]:
        """Keep an upload that has arrived whole, and have it worked off; returns the scan.

        Raises:
            UnknownFormatError: it is none of the formats, or another one than said.
            ValidationError: there is no such format.
            DatabaseError: it could not be stored; nothing is kept of it.
        """
        try:
            kind = self._offload(format_of, upload.opening, format)
            self._offload(upload.finish)
        except BaseException:
            upload.abort()
            raise
        try:
            scan = self._new(
                user_id, scan_id, upload.size, name=name or filename or "Scan", filename=filename, kind=kind
            )
        except BaseException:
            self._spool.remove(scan_id)
            raise
        logger.info("📊 Scan %s taken in: %s, %d bytes", scan_id, kind, upload.size, extra={"user_id": user_id})
        self._emit(user_id, "scan_progress", queued(scan, self._clock))
        self._begin(scan_id, user_id)
        return shown_scan(scan)

    def cancel(self, user_id: str, scan_id: str) -> dict[str, Any]:
        """Stop a scan; what was found so far stays.

        Raises:
            ConflictError: it is finished already.
        """
        self._store.get(user_id, scan_id)
        now = utc_iso(self._clock.now())
        changes = {"status": "cancelled", "finished_at": now, "updated_at": now}
        changed = self._store.change(scan_id, changes, only=UNFINISHED)
        if changed is None:
            raise ConflictError("the scan is finished already")
        self._runner.cancel(scan_id)
        self._spool.remove(scan_id)
        self._set_experiment(changed, "cancelled")
        if scan_id not in self._runner.running:
            self._emit(user_id, "scan_result", result(changed, [], self._clock.now().isoformat()))
        return shown_scan(changed)

    def rescan(self, user_id: str, scan_id: str) -> dict[str, Any]:
        """Join what was found with what is known today.

        Raises:
            ConflictError: it is still being worked off.
            StorageFullError: the disk is full.
        """
        self._admit()
        scan = self._store.get(user_id, scan_id)
        if scan["status"] != "completed" or self._queue.has(scan_id):
            raise ConflictError(f"the scan is {scan['status']}; only a completed one can be joined anew")
        changed = self._store.change(scan_id, {"status": "queued", "updated_at": utc_iso(self._clock.now())})
        if changed is None:
            raise NotFoundError(f"there is no scan {scan_id}")
        try:
            self._offload(self._spool.mark, scan_id)
        except StorageFullError:
            self._store.change(scan_id, {"status": "completed"}, only=("queued",))
            raise
        self._emit(user_id, "scan_progress", {**queued(changed, self._clock), "phase": "joining"})
        self._begin(scan_id, user_id)
        return shown_scan(changed)

    def delete(self, user_id: str, scan_id: str) -> None:
        """Delete a scan with its findings and its upload.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        scan = self._store.get(user_id, scan_id)
        self._runner.cancel(scan_id)
        self._store.delete(user_id, scan_id)
        self._spool.remove(scan_id)
        if scan["status"] in UNFINISHED:
            self._set_experiment(scan, "cancelled")
        gone = result({**scan, "status": "deleted"}, [], self._clock.now().isoformat())
        self._emit(user_id, "scan_result", gone)
        self._deleted(user_id, scan_id)

    def join_again_where_incomplete(self) -> None:
        """Join anew what was joined while no catalogue was there; call it when one has come."""
        filters: list[Filter] = [{"column": "status", "value": "completed"}]
        found, _ = self._store.page(filters, page_of("-created_at", None), 100)
        for scan in found:
            if not (scan.get("joined") or {}).get("complete"):
                self._offload(self._spool.mark, scan["id"])
                self._begin(scan["id"], scan["user_id"])

    def start(self, spawn: Callable[..., Any] = runtime.spawn) -> None:
        """Begin to work off what waits, also what a process that ended has left behind."""
        self._queue.start(spawn)
        spawn(self._look_after)

    def stop(self) -> None:
        """Stop at the next step; what is not finished is resumed at the next start."""
        self._stopped.set()
        self._runner.stopping.set()
        self._queue.stop()

    def recover(self) -> None:
        """Take up what waits and nobody works on."""
        self._offload(self._spool.clear_broken)
        for scan_id in self._offload(lambda: list(self._spool.waiting())):
            self._begin(scan_id)

    def _look_after(self) -> None:
        while not self._stopped.is_set():
            try:
                self.recover()
            except Exception:  # the boundary of a background task: what waits must be looked for as long as it runs
                logger.exception("❌ Scans that wait could not be looked for; it is tried again")
            self._stopped.wait(LOOK_SECONDS)

    def _new(self, user_id: str, scan_id: str, size: int, *, name: str, filename: str, kind: str) -> Row:
        now = utc_iso(self._clock.now())
        experiment = self._experiments.create(
            user_id,
            {
                "name": name[:200],
                "description": f"Scan report: {reader_of(kind).title}",
                "experiment_type": "security_scan",
                "parameters": {"scan_id": scan_id, "format": kind},
            },
        )
        scan: Row = {
            "id": scan_id,
            "user_id": user_id,
            "experiment_id": experiment["id"],
            "name": name[:200],
            "filename": filename[:200],
            "format": kind,
            "tool": "",
            "status": "queued",
            "counts": {"bytes": size},
            "notes": {},
            "joined": {},
            "error": None,
            "created_at": now,
            "started_at": None,
            "finished_at": None,
            "updated_at": now,
        }
        self._store.put(scan)
        return scan

    def _begin(self, scan_id: str, user_id: str = "") -> None:
        self._queue.add(scan_id, lambda: self._work(scan_id), user_id or scan_id)

    def _work(self, scan_id: str) -> None:
        claim = self._offload(self._spool.claim, scan_id)
        if claim is None:
            return  # another process is at it
        try:
            if self._is_over(scan_id, claim):
                self._spool.remove(scan_id)
        finally:
            claim.release()

    def _is_over(self, scan_id: str, claim: Claim) -> bool:
        """Work a scan off; tell whether its upload is needed no more."""
        scan = self._store.find(scan_id)
        if scan is None:
            return self._spool.age(scan_id) > _ORPHAN_SECONDS  # its sender was never told that it was taken
        if claim.is_mark:
            return self._runner.join_again(scan)
        return scan["status"] not in UNFINISHED or self._runner.read(scan, claim)

    def _set_experiment(self, scan: Row, status: str) -> None:
        with contextlib.suppress(DashboardError):  # it may be deleted; the scan itself is what counts
            self._experiments.update(scan["user_id"], scan["experiment_id"], {"status": status})
