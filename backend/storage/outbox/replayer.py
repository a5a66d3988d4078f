"""Does what waits in the outbox as soon as the database is back: once, in order, by one process at a time."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from backend import runtime
from backend.errors import (
    AuthenticationError,
    ConflictError,
    DashboardError,
    DatabaseError,
    ForbiddenError,
    ValidationError,
)
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import Listeners
from backend.resilience.guard import Guard
from backend.storage.database import Database, Filter, Operation, Row, rows
from backend.storage.outbox.entries import DELETED, Entry, Write
from backend.storage.outbox.groups import groups
from backend.storage.outbox.outbox import Outbox

logger = logging.getLogger("jupiter.data")

LEASE_SECONDS = 30.0
PAUSE_SECONDS = 1.0
BATCH = 100
MAX_ATTEMPTS = 10
PROBE_SECONDS = 5.0
STOP_SECONDS = 2.0
_REFUSED = (ValidationError, ForbiddenError, ConflictError)
# What makes a record the same although its id is another: the client's own mark of it.
_NATURAL_KEYS = {"messages": ("user_id", "client_message_id")}


@dataclass(frozen=True)
class Replayed:
    """A person's records in a table were changed by the outbox."""

    table: str
    owner: str


class _NoUseError(Exception):
    """There is no use in going on: the database is away, or it is another process's turn."""


class Replayer:
    """Replays the outbox.

    Args:
        outbox: what waits.
        database: the database itself, without its outbox.
        guard: of the database; it tells when there is no use in trying.
        holder: this process, in the lease.
    """

    def __init__(
        self,
        outbox: Outbox,
        database: Database,
        guard: Guard,
        *,
        clock: Clock = SYSTEM_CLOCK,
        holder: str | None = None,
        listeners: Listeners | None = None,
    ) -> None:
        self._outbox = outbox
        self._database = database
        self._guard = guard
        self._clock = clock
        self._holder = holder or f"{os.getpid()}-{uuid.uuid4()}"
        self._listeners = listeners if listeners is not None else Listeners()
        self._soon = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._renewal = 0.0
        self._stopped = False

    def subscribe(self, callback: Callable[[Replayed], object]) -> Callable[[], None]:
        """Call `callback` for each person and table that a replay has changed; returns the function that ends it."""
        return self._listeners.subscribe(callback)

    def wake(self) -> None:
        """Look at once."""
        self._soon.set()

    def run(self, pause: float = PAUSE_SECONDS) -> None:
        """Replay until stopped."""
        while not self._stopped:
            try:
                self.replay()
            except Exception as error:  # a loop that ends here would keep every write waiting for good
                logger.log(logging.ERROR, "❌ The outbox could not be replayed: %s", error, exc_info=not _known(error))
            self._soon.wait(pause)
            self._soon.clear()

    def stop(self) -> None:
        """End `run` after the write that is under way, and let another process go on."""
        self._stopped = True
        self._soon.set()
        if not self._idle.wait(STOP_SECONDS):
            logger.warning("⚠️ A write of the outbox is still under way: its lease is left to run out")
            return
        try:
            self._outbox.release(self._holder)
        except DatabaseError as error:
            logger.warning("⚠️ The lease of the outbox is left to run out: %s", error)

    def replay(self) -> int:
        """Do what waits, as far as the database goes along; return how many writes were done.

        Raises:
            DatabaseError: the outbox itself cannot be read or written.
        """
        done, going_on = 0, True
        self._idle.clear()
        try:
            while going_on:
                entries, self._renewal = self._outbox.pending(BATCH), 0.0
                if not entries or not self._has_turn():
                    break
                taken, going_on = self._batch(entries)
                done += taken
        finally:
            self._idle.set()
        if done:
            logger.info("✅ %s writes of the outbox are done", done)
        return done

    def _has_turn(self) -> bool:
        """Take the lease or renew it in time: who went on without it could write old over new beside another."""
        if self._stopped:
            return False
        now = self._clock.monotonic()
        if now < self._renewal:
            return True
        self._renewal = now + LEASE_SECONDS / 2
        return self._outbox.hold(self._holder, LEASE_SECONDS)

    def _batch(self, entries: Sequence[Entry]) -> tuple[int, bool]:
        """Do entries in their order; return how many were done, and whether there is use in going on."""
        changed: dict[Replayed, None] = {}
        taken = 0
        try:
            for group in groups(entries):
                for owner in self._together(group) if len(group) > 1 else self._each(group):
                    taken += 1
                    changed[Replayed(group[0].write.table, owner)] = None
        except _NoUseError:
            return taken, False
        finally:
            self._tell(changed)
        return taken, True

    def _together(self, group: Sequence[Entry]) -> Iterator[str]:
        """Write new rows in one go; one by one where the database refuses one of them. Yield their owners."""
        if not self._has_turn():
            raise _NoUseError
        first = group[0].write
        data = [entry.write.data or {} for entry in group]
        try:
            self._guard.call(lambda: rows(self._database.execute_query(first.table, _named(first), data=data)))
        except _REFUSED:
            yield from self._each(group)
            return
        except DashboardError as error:
            self._note(group[0], error)
            raise _NoUseError from error
        self._outbox.done(*group)
        yield from (entry.write.owner for entry in group)

    def _each(self, group: Sequence[Entry]) -> Iterator[str]:
        for entry in group:
            if not self._has_turn():
                raise _NoUseError
            try:
                owner = self._do(entry)
            except DashboardError as error:
                self._note(entry, error)
                raise _NoUseError from error
            if owner is not None:
                yield owner

    def _do(self, entry: Entry) -> str | None:
        """Do one entry; return whose record it was, None where it was set aside.

        Raises:
            DashboardError: the database is away.
        """
        try:
            written = self._guard.call(self._write, entry)
        except _REFUSED as error:
            if not (isinstance(error, ConflictError) and self._guard.call(self._is_there, entry)):
                self._set_aside(entry, _told(error))
                return None
            written = [entry.write.row()]  # an earlier attempt has come through, though nobody heard of it
        if entry.write.operation == "update" and not written and not self._guard.call(self._is_so, entry):
            self._set_aside(entry, "There is no such record, or not of this person.")
            return None
        self._outbox.done(entry)
        return next((str(row["user_id"]) for row in written if row.get("user_id")), entry.write.owner)

    def _write(self, entry: Entry) -> list[Row]:
        one = entry.write
        return rows(self._database.execute_query(one.table, _named(one), filters=one.filters, data=one.data))

    def _is_there(self, entry: Entry) -> bool:
        """Tell whether the conflict is with the record itself; one of somebody else under its id is another."""
        row = entry.write.data or {}
        whole = ("id", "user_id") if row.get("user_id") else ("id",)
        natural = _NATURAL_KEYS.get(entry.write.table)
        # An upsert meets no conflict over its own id.
        for names in filter(None, (whole if entry.write.operation == "insert" else None, natural)):
            filters: list[Filter] = [{"column": name, "value": row[name]} for name in names if row.get(name)]
            if len(filters) == len(names) and rows(
                self._database.execute_query(entry.write.table, "select", columns="id", filters=filters, limit=1)
            ):
                return True
        return False

    def _is_so(self, entry: Entry) -> bool:
        """Tell whether what was to be deleted or restored is so already: by an attempt whose answer was lost.

        Such an update finds only what is not so yet, and would look refused.
        """
        one = entry.write
        if DELETED not in (one.data or {}):
            return False
        filters = [each for each in one.filters if each.get("column") != DELETED]
        found = rows(self._database.execute_query(one.table, "select", columns=DELETED, filters=filters, limit=1))
        return bool(found) and (found[0][DELETED] is None) == ((one.data or {})[DELETED] is None)

    def _note(self, entry: Entry, error: DashboardError) -> None:
        """Count an attempt that failed; set aside what fails on and on while the database writes other things."""
        if not error.counts_as_failure and not isinstance(error, AuthenticationError):
            return  # rejected by the guard: nothing was tried
        self._outbox.failed(entry, _told(error))
        if entry.attempts + 1 >= MAX_ATTEMPTS and self._takes_writes(entry.write.table):
            self._set_aside(entry, f"The database takes other writes but fails at this one. {_told(error)}")

    def _takes_writes(self, table: str) -> bool:
        """Ask past the guard, whose breaker the failing entry itself may have opened."""
        nobody = str(uuid.UUID(int=0))
        filters = [{"column": "id", "value": nobody}]
        ask = partial(self._database.execute_query, table, "update", filters=filters, data={"id": nobody})
        try:
            return bool(runtime.call_with_timeout(PROBE_SECONDS, ask)["success"])
        except TimeoutError:
            return False

    def _set_aside(self, entry: Entry, reason: str) -> None:
        self._outbox.set_aside(entry, reason[:500])
        logger.error(
            "❌ Set aside in the outbox: %s %s in %s: %s",
            entry.write.operation,
            entry.write.record_id,
            entry.write.table,
            reason,
        )

    def _tell(self, changed: dict[Replayed, None]) -> None:
        for one in changed:
            self._listeners.notify(one)


def _named(one: Write) -> Operation:
    return cast(Operation, one.operation)


def _told(error: DashboardError) -> str:
    """What the console shows: the database's own words stay in the log."""
    return f"{error.title}: {error if error.exposes_detail else error.message}"


def _known(error: Exception) -> bool:
    return isinstance(error, DashboardError)
