"""Migrations: numbered, once each, all or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from backend.errors import DatabaseError
from backend.storage import migrations
from backend.storage.sqlite import SqliteDatabase
from backend.storage.tables import TABLES

FIRST = (1, "CREATE TABLE a (x TEXT);")
SECOND = (2, "CREATE TABLE b (x TEXT);\nINSERT INTO b VALUES ('one; two');")


def connect(path: Path | str = ":memory:") -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_steps_run_in_order_and_only_once() -> None:
    """Running them again changes nothing; a new step runs alone."""
    connection = connect()
    assert migrations.migrate(connection, (FIRST,)) == 1
    assert migrations.migrate(connection, (FIRST,)) == 1
    assert migrations.migrate(connection, (FIRST, SECOND)) == 2
    assert tables(connection) == {"a", "b"}
    assert connection.execute("SELECT x FROM b").fetchall() == [("one; two",)]


def test_a_failing_step_leaves_the_one_before_it() -> None:
    """Each step is a transaction: half a step never stays."""
    connection = connect()
    broken = (2, "CREATE TABLE b (x TEXT);\nCREATE TABLE a (x TEXT);")
    with pytest.raises(sqlite3.Error):
        migrations.migrate(connection, (FIRST, broken))
    assert tables(connection) == {"a"}
    assert migrations.migrate(connection, (FIRST, SECOND)) == 2


def test_a_full_disk_is_told_as_what_it_is() -> None:
    """SQLite has ended the transaction by itself then: ending it again would be an error of its own."""
    connection = connect()
    connection.execute("PRAGMA max_page_count = 3")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        migrations.migrate(connection, ((1, f"{FIRST[1]}\nINSERT INTO a VALUES (zeroblob(1000000));"),))
    assert migrations.migrate(connection, (FIRST,)) == 1


def test_a_step_that_another_process_did_first_is_not_done_again(tmp_path: Path) -> None:
    """Who waits for the lock looks again when it has it."""
    first, second = connect(tmp_path / "x.db"), connect(tmp_path / "x.db")
    assert migrations._version(second) == 0
    migrations.migrate(first, (FIRST,))
    migrations._apply(second, *FIRST)
    assert tables(second) == {"a"}


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """An old program must not write into a schema it does not know."""
    path = tmp_path / "x.db"
    connection = connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(DatabaseError, match="999"):
        SqliteDatabase(path).migrate()


def test_the_catalogue_of_tables_is_the_schema(tmp_path: Path) -> None:
    """Every column that the adapters know exists, and every one that exists is known."""
    path = tmp_path / "x.db"
    SqliteDatabase(path).migrate()
    connection = connect(path)
    assert {name for name in tables(connection) if "_search" not in name} == set(TABLES)  # indexes are tables too
    for table, columns in TABLES.items():
        found = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        assert found == list(columns)
    connection.close()
