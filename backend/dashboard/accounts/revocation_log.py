"""What was taken back, kept in the database: over restarts, and for the command line and the other processes.

An order holds in this process at once, whether or not it can be written; what could not be written is written with the
next look, which comes every second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from backend.errors import DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.runtime.periodic import Stopped, periodically
from backend.schemas.times import parse_utc
from backend.security.revocations import Revocation, Revocations
from backend.storage.database import Database, Filter, Row, rows

LOOK_SECONDS = 1.0
PATIENCE_AT_START = 1.0
OVERLAP = timedelta(minutes=2)  # clocks of several machines differ, and writes arrive late
WHOLE_EVERY = 60.0  # all is read so often: what a process could not write for long arrives later than the overlap
FORGET_EVERY = 3600.0
MOST_UNSAVED = 10_000

logger = logging.getLogger("jupiter.security")


class RevocationLog:
    """Writes and reads the table revocations.

    Args:
        database: where it is.
        guard: the database's.
        revocations: the index that is asked with every request.
    """

    def __init__(
        self, database: Database, guard: Guard, revocations: Revocations, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._database = database
        self._guard = guard
        self._revocations = revocations
        self._clock = clock
        self._newest: datetime | None = None
        self._unsaved: dict[str, Revocation] = {}
        self._writing = threading.Lock()
        self._whole_at: float | None = None
        self._forgot_at = clock.monotonic()

    def record(self, revocation: Revocation) -> bool:
        """Take something back: here at once, elsewhere with their next look; return whether it is written already.

        It is not where it could not be, or where another greenlet writes just now, which takes it along.
        """
        self._revocations.add(revocation)
        if len(self._unsaved) < MOST_UNSAVED:
            self._unsaved[revocation.id] = revocation
        return self._write()

    @property
    def unwritten(self) -> int:
        """How many are not written yet."""
        return len(self._unsaved)

    def begin(self) -> None:
        """Bring in what was taken back before this process began; a database that is away does not delay it much."""
        if not self.look(patience=PATIENCE_AT_START):
            logger.warning("⚠️ What was taken back before cannot be read yet; it is tried again every second")

    def look(self, *, patience: float | None = None) -> bool:
        """Bring in what others have taken back since the last look; return whether that was possible.

        Args:
            patience: seconds to wait at most, where that is less than the guard's.
        """
        try:
            began, since = self._clock.monotonic(), self._since()
            found = self._guard.call(self._read, since, deadline=patience)
        except DashboardError as error:
            logger.debug("⚠️ What was taken back elsewhere cannot be read: %s", error)
            return False
        for row in found:
            self._take(row)
        if since is None:
            self._whole_at = began
        self._write()
        self._forget()
        return True

    def run(self, stopped: Stopped) -> None:
        """Look every second until stopped; spawn this."""
        periodically(self.look, LOOK_SECONDS, stopped, logger)

    def _since(self) -> datetime | None:
        """From when on to read; None for all."""
        if self._whole_at is None or self._clock.monotonic() - self._whole_at >= WHOLE_EVERY:
            return None
        return self._newest - OVERLAP if self._newest is not None else None

    def _read(self, since: datetime | None) -> list[Row]:
        filters: list[Filter] = []
        if since is not None:
            filters = [{"column": "created_at", "operator": "gte", "value": since}]
        order = [{"column": "created_at"}]
        return rows(self._database.execute_query("revocations", "select", filters=filters, order=order))

    def _put(self, row: Row) -> None:
        rows(self._database.execute_query("revocations", "upsert", data=row))

    def _delete(self, table: str, filters: list[Filter]) -> None:
        rows(self._database.execute_query(table, "delete", filters=filters))

    def _take(self, row: Mapping[str, Any]) -> None:
        found = from_row(row)
        if found is None:
            logger.warning("⚠️ A row of the table revocations cannot be read", extra={"params": {"id": row.get("id")}})
            return
        self._newest = found.at if self._newest is None else max(self._newest, found.at)
        self._revocations.add(found)

    def _write(self) -> bool:
        if not self._writing.acquire(blocking=False):  # two at once could leave the older one of a subject in the table
            return False
        try:
            return self._write_all()
        finally:
            self._writing.release()

    def _write_all(self) -> bool:
        while self._unsaved:
            identity, revocation = next(iter(self._unsaved.items()))
            try:
                self._guard.call(self._put, as_row(revocation))
            except DashboardError as error:
                logger.error("❌ Not written yet, holds in this process only: %s (%s)", revocation.reason, error)
                return False
            if self._unsaved.get(identity) is revocation:  # not a newer one that came while this was written
                del self._unsaved[identity]
        return True

    def _forget(self) -> None:
        if self._clock.monotonic() - self._forgot_at < FORGET_EVERY:
            return
        self._forgot_at = self._clock.monotonic()
        now = self._clock.now()
        self._revocations.forget(now)
        past: list[Filter] = [{"column": "expires_at", "operator": "lt", "value": now}]
        for table in ("revocations", "sessions"):
            try:
                self._guard.call(self._delete, table, past)
            except DashboardError as error:
                logger.info("⚠️ Old rows of %s stay for now: %s", table, error)


def as_row(revocation: Revocation) -> dict[str, Any]:
    """Return a revocation as JSON can carry it: a row of the table, or a message to other processes."""
    return {
        "id": revocation.id,
        "kind": revocation.kind,
        "subject": revocation.subject,
        "role": revocation.role,
        "reason": revocation.reason,
        "created_at": revocation.at.isoformat(),
        "expires_at": revocation.expires_at.isoformat() if revocation.expires_at is not None else None,
    }


def from_row(row: Mapping[str, Any]) -> Revocation | None:
    """Read what `as_row` has made; None where it is nothing of the kind."""
    try:
        expires = row["expires_at"]
        return Revocation(
            row["kind"],
            str(row["subject"]),
            parse_utc(row["created_at"]),
            role=str(row["role"]),
            reason=str(row["reason"]),
            expires_at=parse_utc(expires) if expires else None,
        )
    except (KeyError, ValueError, TypeError):
        return None
