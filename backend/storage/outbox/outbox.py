"""The outbox: takes writes, gives them back in order, sets aside what is refused, and never drops any by itself."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import orjson

from backend import runtime
from backend.errors import DatabaseError, NotFoundError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.times import utc_iso
from backend.storage.outbox.entries import Entry, State, Write
from backend.storage.outbox.file import OutboxFile

T = TypeVar("T")
MAX_BYTES = 64 * 1024 * 1024
MAX_ENTRIES = 100_000
OWNER_SHARE = 0.5
_LEASE = "replay"
_ADD = (
    "INSERT INTO entries (id, owner, table_name, record_id, operation, request, size, queued_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_WAITS = (
    "SELECT 1 FROM entries WHERE state = 'pending' AND owner = ? AND owner <> ''"
    " UNION ALL SELECT 1 FROM entries WHERE state = 'pending' AND table_name = ? AND record_id = ? LIMIT 1"
)


class OutboxFullError(DatabaseError):
    """The database is away and no more writes can be kept for it."""

    public_message = "The database is away, and as many changes as can be kept are waiting for it already."
    suggestion = "Nothing that was accepted is lost. Try again when the database is back."
    default_retry_after = 60
    fallback_available = False
    retryable = False
    counts_as_failure = False


class Counts(NamedTuple):
    """What is in the outbox: entries by state, bytes of all, and since when the oldest pending one waits."""

    pending: int = 0
    set_aside: int = 0
    bytes: int = 0
    oldest: str | None = None


class Outbox:
    """Writes that wait for the database.

    Args:
        path: its file, made when it is needed first.
        max_bytes, max_entries: of everything in it; more is refused.
        owner_share: of both that one person's writes may take.
        offload: runs a blocking pure function in a native thread.
        clock: for times and leases.
        new_id: makes the ids of entries.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = MAX_BYTES,
        max_entries: int = MAX_ENTRIES,
        owner_share: float = OWNER_SHARE,
        offload: Callable[..., Any] = runtime.offload,
        clock: Clock = SYSTEM_CLOCK,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._file = OutboxFile(path)
        self._limits = (max_entries, max_bytes)
        self._share = owner_share
        self._offload = offload
        self._clock = clock
        self._new_id = new_id
        self._changing = threading.Lock()

    def add(self, writes: Sequence[Write]) -> None:
        """Keep writes, all or none; they are on the disk when this returns.

        Raises:
            OutboxFullError: a limit is reached.
            DatabaseError: the file cannot take them.
        """
        now = utc_iso(self._clock.now())
        rows = []
        for one in writes:
            request = one.request()
            place = (one.owner, one.table, one.record_id, one.operation)
            rows.append((self._new_id(), *place, request.decode(), len(request), now))

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(_ADD, [_with_owner(connection, row) for row in rows])
            for owner, share in (("%", 1.0), (rows[0][1], self._share)):
                if _exceeds(connection, owner, [limit * share for limit in self._limits]):
                    raise OutboxFullError("the outbox is full")

        self._change(work)

    def waits(self, writes: Sequence[Write]) -> bool:
        """Tell whether something waits of the same owner or about the same record, so that these must wait too."""
        return any(self._read(_WAITS, (one.owner, one.table, one.record_id)) for one in writes)

    def pending(self, limit: int) -> list[Entry]:
        """Return the writes that wait longest, in their order."""
        return self._entries("state = 'pending' ORDER BY seq LIMIT ?", limit)

    def of_owner(self, table: str, owner: str | None, limit: int = 500) -> list[Entry]:
        """Return the newest of what waits of one person, or of everybody (None), in its order."""
        owned = "" if owner is None else " AND owner = ?"
        values = (table, limit) if owner is None else (table, owner, limit)
        newest = self._entries(f"state = 'pending' AND table_name = ?{owned} ORDER BY seq DESC LIMIT ?", *values)
        return newest[::-1]

    def of_record(self, table: str, record_id: str) -> list[Entry]:
        """Return what waits about one record, in its order."""
        return self._entries("state = 'pending' AND table_name = ? AND record_id = ? ORDER BY seq", table, record_id)

    def listing(self, limit: int, *, state: State | None = None, after: int = 0) -> list[Entry]:
        """Return entries in their order, those with a larger `seq` than `after`."""
        if state is None:
            return self._entries("seq > ? ORDER BY seq LIMIT ?", after, limit)
        return self._entries("state = ? AND seq > ? ORDER BY seq LIMIT ?", state, after, limit)

    def done(self, *entries: Entry) -> None:
        """Remove entries that the database has taken."""
        gone = [(entry.seq,) for entry in entries]
        self._change(lambda connection: connection.executemany("DELETE FROM entries WHERE seq = ?", gone).rowcount)

    def failed(self, entry: Entry, error: str) -> None:
        """Note an attempt that failed; the entry stays where it is."""
        self._run(
            "UPDATE entries SET attempts = attempts + 1, error = ?, tried_at = ? WHERE seq = ?",
            error,
            utc_iso(self._clock.now()),
            entry.seq,
        )

    def set_aside(self, entry: Entry, error: str) -> None:
        """Take an entry out of the order, because the database refuses it."""
        self.failed(entry, error)
        self._run("UPDATE entries SET state = 'set_aside' WHERE seq = ?", entry.seq)

    def retry(self, entry_id: str) -> Entry:
        """Put an entry that was set aside back into the order.

        Raises:
            NotFoundError: no such entry is set aside.
        """
        return self._decided(entry_id, "UPDATE entries SET state = 'pending', attempts = 0")

    def discard(self, entry_id: str) -> Entry:
        """Remove an entry that was set aside, for good.

        Raises:
            NotFoundError: no such entry is set aside.
        """
        return self._decided(entry_id, "DELETE FROM entries")

    def counts(self) -> Counts:
        """Return how much there is."""
        found = self._read("SELECT state, count(*) AS number, min(queued_at) AS oldest FROM entries GROUP BY state")
        by_state = {row["state"]: row for row in found}
        size = self._read("SELECT coalesce(sum(bytes), 0) AS size FROM totals")
        pending = by_state.get("pending", {"number": 0, "oldest": None})
        aside = by_state.get("set_aside", {"number": 0})
        return Counts(pending["number"], aside["number"], size[0]["size"] if size else 0, pending["oldest"])

    def hold(self, holder: str, seconds: float) -> bool:
        """Take or renew the lease of replaying; False where somebody else has it.

        By the machine's own time, which nobody sets: all processes at one file share it. One that ends later than it
        could is of before a restart of the machine.
        """

        def work(connection: sqlite3.Connection) -> bool:
            now = self._clock.monotonic()  # here, where nobody else renews meanwhile
            sql = (
                "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
                " until = excluded.until WHERE holder = excluded.holder OR until < ? OR until > ?"
            )
            return connection.execute(sql, (_LEASE, holder, now + seconds, now, now + seconds)).rowcount > 0

        return self._change(work)

    def release(self, holder: str) -> None:
        """Give the lease back."""
        if self._file.exists:
            self._run("DELETE FROM leases WHERE name = ? AND holder = ?", _LEASE, holder)

    def close(self) -> None:
        """Close the file."""
        self._offload(self._file.close)

    def _decided(self, entry_id: str, act: str) -> Entry:
        """Do with an entry what somebody has decided; who comes second is told so."""
        entry = self._aside(entry_id)
        if not self._run(f"{act} WHERE seq = ? AND state = 'set_aside'", entry.seq):
            raise NotFoundError("the entry is not set aside any more")
        return entry

    def _aside(self, entry_id: str) -> Entry:
        found = self._entries("state = 'set_aside' AND id = ?", entry_id)
        if not found:
            raise NotFoundError("no such entry is set aside")
        return found[0]

    def _entries(self, where: str, *values: Any) -> list[Entry]:
        return [_entry(row) for row in self._read(f"SELECT * FROM entries WHERE {where}", values)]  # noqa: S608 - ours

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        if not self._file.exists:
            return []  # nothing has ever waited, so there is no use in a native thread
        try:
            found: list[dict[str, Any]] = self._offload(self._file.read, sql, values)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(f"the outbox cannot be read: {error}") from error
        return found

    def _run(self, sql: str, *values: Any) -> int:
        return self._change(lambda connection: connection.execute(sql, values).rowcount)

    def _change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with self._changing:
                found: T = self._offload(self._file.change, work)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(f"the outbox cannot be written: {error}") from error
        return found


def _with_owner(connection: sqlite3.Connection, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A write by id alone belongs to the owner of what waits about that record already."""
    if row[1]:
        return row
    sql = "SELECT owner FROM entries WHERE table_name = ? AND record_id = ? AND owner <> '' LIMIT 1"
    known = connection.execute(sql, row[2:4]).fetchone()
    return (row[0], known["owner"], *row[2:]) if known else row


def _exceeds(connection: sqlite3.Connection, owner: str, limits: Sequence[float]) -> bool:
    where, values = ("", ()) if owner == "%" else (" WHERE owner = ?", (owner,))
    sql = f"SELECT coalesce(sum(entries), 0), coalesce(sum(bytes), 0) FROM totals{where}"  # noqa: S608 - ours
    return any(there > limit for there, limit in zip(connection.execute(sql, values).fetchone(), limits, strict=True))


def _entry(row: dict[str, Any]) -> Entry:
    try:
        request = orjson.loads(row["request"])
    except orjson.JSONDecodeError:
        request = {"data": None, "filters": ()}  # damaged: without data it is refused, and so set aside
    place = (row["table_name"], row["operation"], row["record_id"], row["owner"])
    write = Write(*place, request["data"], tuple(request["filters"]))
    told = (row["state"], row["attempts"], row["error"], row["queued_at"], row["tried_at"])
    return Entry(row["seq"], row["id"], write, *told)
