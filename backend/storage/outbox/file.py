"""The outbox's file: the part that runs in native threads, pure, without locks or logging."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from backend.storage.migrations import SCHEMA_DIR
from backend.storage.own_file import alone

T = TypeVar("T")
BUSY_SECONDS = 2.0


class OutboxFile:
    """A SQLite file that is made when the first write has to wait, readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()

    @property
    def exists(self) -> bool:
        """Whether anything has ever waited here."""
        return self._path.exists()

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows that a statement finds."""
        with self._connection() as connection:
            return [dict(row) for row in connection.execute(sql, values)]

    def change(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction that is on the disk when this returns.

        Raises:
            sqlite3.Error: it was not done.
            OSError: the file cannot be made.
        """
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                found = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return found

    def close(self) -> None:
        """Close the connections; a later use opens new ones."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = self._idle.pop() if self._idle else self._open()
        try:
            yield connection
        except sqlite3.Error:
            connection.close()  # whatever is wrong with it does not come back
            raise
        except BaseException:
            self._idle.append(connection)
            raise
        self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        with alone(self._path):
            connection = sqlite3.connect(
                self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
                connection.executescript(_schema())
            except BaseException:
                connection.close()
                raise
        return connection


@cache
def _schema() -> str:
    return (SCHEMA_DIR / "outbox.sql").read_text(encoding="utf-8")
