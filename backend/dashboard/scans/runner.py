"""Working a scan off: read, join, store, count; waiting where something is away, stopping where it is cancelled.

Every step can be done again without harm: reading gives the same findings in the same order, and a finding always has
the same id. So a run that was cut off is simply begun again, and passes over what is stored already.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from backend import runtime
from backend.dashboard.scans.join import Joiner
from backend.dashboard.scans.payload import TOP, result
from backend.dashboard.scans.progress import Progress
from backend.dashboard.scans.store import UNFINISHED, ScanStore
from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DashboardError,
    DatabaseError,
    DeadlineExceededError,
    NetworkError,
    NotFoundError,
    ValidationError,
)
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.scans.reading import Reading
from backend.scans.spool import Claim
from backend.schemas.times import utc_iso
from backend.sources.heavy import heavy
from backend.storage.database import Row

logger = logging.getLogger("jupiter.scans")

T = TypeVar("T")
Emit = Callable[[str, str, Mapping[str, Any]], object]
TICK_SECONDS = 0.1  # a quarter second is promised, also on a busy machine
SAVE_SECONDS = 2.0
_AWAY = (DatabaseError, NetworkError, CircuitBreakerOpenError, BulkheadFullError, DeadlineExceededError)


class Stopped(Exception):
    """The scan was cancelled or deleted, or the server ends."""


class ScanRunner:
    """Works off one scan at a time for each caller.

    Args:
        store: scans and findings.
        guard: of scan_processing; reading passes it.
        joiner: makes rows.
        emit: publishes an event to a person: user, event, payload.
        set_experiment: keeps an experiment's status in step: user, experiment id, status.
        done: told of each scan that has ended, as its row.
        offload: runs a pure function in a native thread.
        spawn: runs a function concurrently.
    """

    def __init__(
        self,
        store: ScanStore,
        guard: Guard,
        joiner: Joiner,
        emit: Emit,
        *,
        set_experiment: Callable[[str, str, str], object],
        done: Callable[[Row], object] = lambda _: None,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
        spawn: Callable[..., Any] = runtime.spawn,
    ) -> None:
        self._store = store
        self._guard = guard
        self._joiner = joiner
        self._emit = emit
        self._set_experiment = set_experiment
        self._done = done
        self._clock = clock
        self._offload = offload
        self._spawn = spawn
        self.stopping = threading.Event()
        self._cancelled: set[str] = set()
        self.running: dict[str, Progress] = {}

    def cancel(self, scan_id: str) -> None:
        """Have a run of this process stop at its next step."""
        self._cancelled.add(scan_id)

    def read(self, scan: Row, claim: Claim) -> bool:
        """Read an upload to its end; tell whether the scan is over (else the server ends, and it is resumed)."""
        return self._run(scan, "reading", lambda progress: self._read(scan, claim, progress))

    def join_again(self, scan: Row) -> bool:
        """Join what is stored of a scan with what is known now."""
        return self._run(scan, "joining", lambda progress: self._join_again(scan, progress))

    def _run(self, scan: Row, phase: str, work: Callable[[Progress], Row]) -> bool:
        progress = Progress(scan, phase, clock=self._clock)
        self.running[scan["id"]] = progress
        over = threading.Event()
        self._spawn(self._tick, progress, over)
        try:
            ended = self._work(scan, progress, work)
        except Stopped:
            ended = self._after_stop(scan, progress)
        finally:
            over.set()
            self.running.pop(scan["id"], None)
            self._cancelled.discard(scan["id"])
        if ended is None:
            return not self.stopping.is_set()
        self._tell(ended)
        return True

    def _work(self, scan: Row, progress: Progress, work: Callable[[Progress], Row]) -> Row | None:
        now = utc_iso(self._clock.now())
        begun = {"status": "running", "updated_at": now, "error": None}
        if not scan.get("started_at"):
            begun["started_at"] = now
        # what is joined anew may be completed; what was cancelled or deleted a moment ago stays so
        only = UNFINISHED if progress.phase == "reading" else (*UNFINISHED, "completed")
        if self._patiently(progress, lambda: self._store.change(scan["id"], begun, only=only)) is None:
            raise Stopped
        self._keep_in_step(progress, "running")
        try:
            return work(progress)
        except (Stopped, GeneratorExit):
            raise
        except ValidationError as error:
            return self._failed(scan, progress, error)
        except DashboardError as error:
            logger.error("❌ Scan %s failed: %s", scan["id"], error)
            return self._failed(scan, progress, error)
        except Exception:  # the boundary of a background task: told and recorded, not lost
            logger.exception("❌ Scan %s failed in a way that nobody foresaw", scan["id"])
            return self._failed(scan, progress, DashboardError())

    def _read(self, scan: Row, claim: Claim, progress: Progress) -> Row:
        stored = int((scan.get("counts") or {}).get("stored", 0))
        reading = self._offload(Reading, claim.path, scan["format"])
        saved = self._clock.monotonic()
        try:
            while True:
                self._check(scan)
                # The step itself, not the wait for it, is what the guard counts: a broken file says nothing about us.
                chunk = self._patiently(progress, partial(self._guard.call, self._offload, reading.chunk))
                before = progress.findings
                fresh = chunk.findings[max(0, stored - before) :]
                rows = self._joiner.rows(scan, fresh)
                self._patiently(progress, partial(self._store.put_findings, rows))
                progress.findings += len(chunk.findings)
                progress.duplicates += chunk.duplicates
                progress.known_exploited += sum(row["known_exploited"] == "yes" for row in rows)
                progress.share = chunk.share
                if chunk.done:
                    break
                if self._clock.monotonic() - saved >= SAVE_SECONDS:
                    saved = self._clock.monotonic()
                    self._save(scan, progress)
        finally:
            self._offload(reading.close)
        return self._completed(scan, progress, tool=reading.tool, notes=reading.left_out)

    def _join_again(self, scan: Row, progress: Progress) -> Row:
        total = max(1, int((scan.get("counts") or {}).get("findings", 1)))
        progress.duplicates = int((scan.get("counts") or {}).get("duplicates", 0))
        of_scan = [{"column": "scan_id", "value": scan["id"]}]
        cursor: str | None = None
        while True:
            self._check(scan)
            step = partial(self._store.next_page, of_scan, cursor, order="id")
            page, cursor = self._patiently(progress, step)
            rows = self._joiner.again(scan, page)
            self._patiently(progress, partial(self._store.put_findings, rows))
            progress.findings += len(rows)
            progress.known_exploited += sum(row["known_exploited"] == "yes" for row in rows)
            progress.share = min(0.99, progress.findings / total)
            if cursor is None:
                return self._completed(scan, progress)

    def _save(self, scan: Row, progress: Progress) -> None:
        counts = {**(scan.get("counts") or {}), **_so_far(progress), "stored": progress.findings}
        changes = {"counts": counts, "updated_at": utc_iso(self._clock.now())}
        kept = self._patiently(progress, lambda: self._store.change(scan["id"], changes, only=UNFINISHED))
        if kept is None:  # cancelled or deleted by another process
            raise Stopped

    def _completed(self, scan: Row, progress: Progress, **told: Any) -> Row:
        counts = self._patiently(progress, lambda: self._store.counts(scan["id"]))
        joined = {**self._joiner.intelligence.state(), "at": utc_iso(self._clock.now())}
        return self._end(scan, progress, "completed", counts={**_so_far(progress), **counts}, joined=joined, **told)

    def _failed(self, scan: Row, progress: Progress, error: DashboardError) -> Row:
        told = {
            "error": error.title,
            "error_code": error.code,
            "message": error.message,
            "details": error.details,
            "suggestion": error.suggestion,
        }
        counts = self._patiently(progress, lambda: self._store.counts(scan["id"]))
        return self._end(scan, progress, "failed", counts={**_so_far(progress), **counts}, error=told)

    def _end(self, scan: Row, progress: Progress, status: str, *, counts: Mapping[str, Any], **changes: Any) -> Row:
        now = utc_iso(self._clock.now())
        seconds = round(self._clock.monotonic() - progress.started, 3)
        old = scan.get("counts") or {}
        changes |= {"status": status, "finished_at": now, "updated_at": now}
        changes["counts"] = {**old, **counts, "seconds": seconds}
        kept = self._patiently(progress, lambda: self._store.change(scan["id"], changes, only=UNFINISHED))
        if kept is None:
            raise Stopped
        self._keep_in_step(progress, status)
        return kept

    def _after_stop(self, scan: Row, progress: Progress) -> Row | None:
        """Return the scan as it was cancelled; None where the server ends or the scan is deleted."""

        def counted() -> Row | None:
            counts = {**(scan.get("counts") or {}), **self._store.counts(scan["id"])}
            return self._store.change(scan["id"], {"counts": counts})

        try:
            return None if self.stopping.is_set() else self._patiently(progress, counted, cancelled=True)
        except Stopped:
            return None

    def _tell(self, scan: Row) -> None:
        try:
            top, _ = self._store.next_page([{"column": "scan_id", "value": scan["id"]}], None, size=TOP)
        except DashboardError:
            top = []  # the result is told without; whoever opens it asks for its findings
        payload = result(scan, top, self._clock.now().isoformat())
        logger.info("✅ Scan %s %s: %d findings", scan["id"], scan["status"], payload["scan"]["findings"])
        self._emit(scan["user_id"], "scan_result", payload)
        self._done(scan)

    def _tick(self, progress: Progress, over: threading.Event) -> None:
        """Say how far it is, whatever it is doing: also while it waits."""
        user = progress.scan["user_id"]
        while not over.is_set():
            self._emit(user, "scan_progress", progress.payload())
            over.wait(TICK_SECONDS)

    def _check(self, scan: Row) -> None:
        if self.stopping.is_set() or scan["id"] in self._cancelled:
            raise Stopped

    def _keep_in_step(self, progress: Progress, status: str) -> None:
        scan = progress.scan
        if not scan.get("experiment_id"):
            return
        try:
            self._patiently(progress, lambda: self._set_experiment(scan["user_id"], str(scan["experiment_id"]), status))
        except NotFoundError:
            return  # somebody deleted it; the scan goes on without

    def _patiently(self, progress: Progress, step: Callable[[], T], *, cancelled: bool = False) -> T:
        """Do a step of the work as soon as what it needs is there, and say what it waits for meanwhile.

        Args:
            cancelled: the step is the last one of a scan that is cancelled already.
        """
        while True:
            try:
                done = step()
            except _AWAY as error:
                progress.waiting = f"{error.message} The scan goes on by itself."
                self.stopping.wait(min(max(error.retry_after or 1.0, 0.25), 2.0))
                if self.stopping.is_set() or not cancelled:
                    self._check(progress.scan)
            else:
                progress.waiting = None
                return done


def _so_far(progress: Progress) -> dict[str, Any]:
    return {
        "findings": progress.findings,
        "duplicates": progress.duplicates,
        "known_exploited": progress.known_exploited,
    }
