"""Bring a SQLite file to the present schema: numbered steps, each in a transaction of its own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SCHEMA_DIR = Path(__file__).parent / "schema"
_STEP = re.compile(r"^sqlite_(\d{4})\.sql$")


@cache
def steps(folder: Path = SCHEMA_DIR) -> tuple[tuple[int, str], ...]:
    """Return the steps in order, as (version, SQL)."""
    found = ((match, path) for path in sorted(folder.iterdir()) if (match := _STEP.match(path.name)))
    return tuple((int(match[1]), path.read_text(encoding="utf-8")) for match, path in found)


def migrate(connection: sqlite3.Connection, todo: tuple[tuple[int, str], ...] | None = None) -> int:
    """Apply the steps that are missing; several processes may do so at once.

    Args:
        connection: in autocommit mode (isolation_level None).
        todo: in place of the steps beside this file.

    Returns:
        The schema version the file has now.

    Raises:
        sqlite3.Error: a step failed; the file is as the step before left it. Also raised for a file that a newer
            Jupiter has written.
    """
    wanted = steps() if todo is None else todo
    present = _version(connection)
    if wanted and present > wanted[-1][0]:
        raise sqlite3.DatabaseError(f"the file has schema {present}, this version knows {wanted[-1][0]}")
    for version, sql in wanted:
        if version > present:
            _apply(connection, version, sql)
    return _version(connection)


def _apply(connection: sqlite3.Connection, version: int, sql: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) < version:  # else another process was faster
            for statement in _statements(sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    """Cut a script at the ends of its statements; executescript would commit on its own."""
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
    if pending.strip():
        yield pending


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
