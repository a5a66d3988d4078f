"""The database in one file: SQLite in WAL mode, off the event loop.

Every statement runs in a native thread through `offload`. Connections wait in a deque, whose append and pop are
atomic, so the native threads need no lock; there are never more connections than native threads. Writers queue up
on this side, in a lock of the chosen async mode: SQLite lets one write at a time anyway, and its own waiting would
hold native threads that the readers need.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from backend import runtime
from backend.errors import DatabaseError, ValidationError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.storage import migrations, statements
from backend.storage.database import FaultCode, Filter, Operation, Order, QueryResult, Row
from backend.storage.own_file import alone
from backend.storage.statements import Statement
from backend.storage.tables import Columns, columns_of
from backend.storage.values import decode

_STEPS_BETWEEN_CHECKS = 20_000  # of SQLite's virtual machine: some tenths of a millisecond


class SqliteDatabase:
    """A Database in a file, made with its directory at the first use and readable by its owner alone.

    Args:
        path: the file.
        offload: runs a blocking pure function and returns its result.
        clock: for response times.
        busy_seconds: how long to wait for another process's write.
        statement_seconds: a statement that runs longer is ended.
    """

    def __init__(
        self,
        path: Path,
        *,
        offload: Callable[..., Any] = runtime.offload,
        clock: Clock = SYSTEM_CLOCK,
        busy_seconds: float = 2.0,
        statement_seconds: float = 8.0,
    ) -> None:
        self._offload = offload
        self._clock = clock
        self._file = _File(path, busy_seconds, statement_seconds)
        self._writing = threading.Lock()

    def migrate(self) -> int:
        """Make the file and bring it to the present schema; done by itself at the first use otherwise.

        Returns:
            The schema's version.

        Raises:
            DatabaseError: the file cannot be made, read or written.
        """
        try:
            return int(self._offload(self._file.migrate))
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(f"cannot prepare the database file: {error}") from error

    def close(self) -> None:
        """Close the connections; later queries answer `success: False`."""
        self._offload(self._file.close)

    def execute_query(
        self,
        table: str,
        operation: Operation,
        *,
        columns: str = "*",
        filters: Sequence[Filter] = (),
        order: Sequence[Order] = (),
        limit: int | None = None,
        offset: int = 0,
        data: Row | Sequence[Row] | None = None,
    ) -> QueryResult:
        """Do one operation; see `Database.execute_query`."""
        started = self._clock.monotonic()
        todo = _statements(
            table, operation, columns=columns, filters=filters, data=data, order=order, limit=limit, offset=offset
        )
        reads = operation in {"select", "count"}
        try:
            with nullcontext() if reads else self._writing:
                found = self._offload(self._file.run, columns_of(table), todo, not reads)
        except (sqlite3.Error, OSError) as error:
            return _failure(error, self._clock.monotonic() - started)
        result = QueryResult(success=True, data=found, error=None, response_time=self._clock.monotonic() - started)
        if operation == "count":
            result["count"] = sum(row["count"] for row in found)
            result["data"] = [] if columns == "*" else found
        return result


def _statements(
    table: str,
    operation: str,
    *,
    columns: str,
    filters: Sequence[Filter],
    data: Row | Sequence[Row] | None,
    **page: Any,
) -> list[Statement]:
    match operation:
        case "select":
            return [statements.select(table, columns, filters, **page)]
        case "count":
            return [statements.count(table, columns, filters)]
        case "insert" | "upsert":
            if not data:
                raise ValidationError(f"{operation} needs a row")
            given = [data] if isinstance(data, dict) else data
            return [statements.insert(table, row, replace=operation == "upsert") for row in given]
        case "update":
            return [statements.update(table, data if isinstance(data, dict) else {}, filters)]
        case "delete":
            return [statements.delete(table, filters)]
    raise ValidationError(f"there is no operation {operation!r}")


def _failure(error: Exception, seconds: float) -> QueryResult:
    name = getattr(error, "sqlite_errorname", "")
    code: FaultCode = "unavailable"
    if isinstance(error, sqlite3.IntegrityError):
        code = "conflict" if name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"} else "constraint"
    return QueryResult(success=False, data=[], error=str(error), response_time=seconds, code=code)


class _File:
    """The part that runs in native threads: pure, without locks or logging."""

    def __init__(self, path: Path, busy_seconds: float, statement_seconds: float) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._statement_seconds = statement_seconds
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = False

    def run(self, columns: Columns, todo: Sequence[Statement], writes: bool) -> list[Row]:
        connection = self._take()
        late = partial(_is_late, time.monotonic() + self._statement_seconds)
        connection.set_progress_handler(late, _STEPS_BETWEEN_CHECKS)
        try:
            found = _run(connection, todo, writes)
        except sqlite3.IntegrityError:
            connection.execute("ROLLBACK")
            self._give_back(connection)
            raise
        except BaseException:
            connection.close()  # whatever is wrong with it does not come back
            raise
        self._give_back(connection)
        return [decode(columns, row) for row in found]

    def migrate(self) -> int:
        connection = self._take()
        version = migrations.migrate(connection)
        self._give_back(connection)
        return version

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise sqlite3.OperationalError("the database is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        with alone(self._path):
            connection = sqlite3.connect(
                self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
        return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.create_function("casefold", 1, _casefold, deterministic=True)
    # FULL: what was acknowledged survives a power cut, not only the end of the process.
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    migrations.migrate(connection)


def _run(connection: sqlite3.Connection, todo: Sequence[Statement], writes: bool) -> list[Row]:
    found: list[Row] = []
    if writes:
        connection.execute("BEGIN IMMEDIATE")
    for sql, values in todo:
        found.extend(dict(row) for row in connection.execute(sql, values))
    if writes:
        connection.execute("COMMIT")
    return found


def _is_late(end: float) -> bool:
    return time.monotonic() > end


def _casefold(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
