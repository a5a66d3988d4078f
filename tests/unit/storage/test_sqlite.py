"""SQLite as a server's database: private, patient, off the event loop, and calm when it breaks."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from backend import runtime
from backend.errors import DatabaseError
from backend.storage.database import QueryResult, count, rows
from backend.storage.sqlite import SqliteDatabase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "jupiter.db"


@pytest.fixture
def database(path: Path) -> Iterator[SqliteDatabase]:
    made = SqliteDatabase(path, busy_seconds=0.05, statement_seconds=0.2)
    yield made
    made.close()


def conversation(**changes: Any) -> dict[str, Any]:
    row = {"id": str(uuid.uuid4()), "user_id": "ada", "created_at": "2026-01-01", "updated_at": "2026-01-01"}
    return row | changes


def test_file_and_directory_belong_to_the_owner_alone(database: SqliteDatabase, path: Path) -> None:
    """The file holds chats; its companions too."""
    rows(database.execute_query("conversations", "insert", data=conversation()))
    modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in [path.parent, *path.parent.iterdir()]}
    assert modes == {"new": 0o700, "jupiter.db": 0o600, "jupiter.db-wal": 0o600, "jupiter.db-shm": 0o600}


def test_the_schema_is_there_without_an_explicit_migration(database: SqliteDatabase) -> None:
    """A database that was away at the start heals at its first use."""
    assert count(database.execute_query("audit_log", "count")) == 0


def test_a_path_that_cannot_be_made_is_an_answer_not_a_crash(tmp_path: Path) -> None:
    """A file where a directory should be: unsuccessful, and `migrate` says why."""
    (tmp_path / "file").write_text("")
    database = SqliteDatabase(tmp_path / "file" / "jupiter.db")
    result = database.execute_query("experiments", "select")
    assert (result["success"], result["data"], result["code"]) == (False, [], "unavailable")
    with pytest.raises(DatabaseError):
        database.migrate()


def test_a_damaged_file_is_an_answer_and_healing_it_is_enough(database: SqliteDatabase, path: Path) -> None:
    """No connection is kept that saw the damage."""
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 100)
    broken = database.execute_query("experiments", "select")
    assert broken["success"] is False
    with pytest.raises(DatabaseError):
        rows(broken)
    path.unlink()
    assert rows(database.execute_query("experiments", "select")) == []


def test_another_process_that_writes_too_long_costs_the_busy_time_only(database: SqliteDatabase, path: Path) -> None:
    """Reading goes on; writing is unsuccessful until the other one is done."""
    database.migrate()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = database.execute_query("conversations", "insert", data=conversation())
    assert (refused["success"], refused["code"]) == (False, "unavailable")
    assert refused["response_time"] < 1
    assert rows(database.execute_query("conversations", "select")) == []
    other.execute("ROLLBACK")
    other.close()
    rows(database.execute_query("conversations", "insert", data=conversation()))


def test_a_statement_that_runs_too_long_is_ended(path: Path) -> None:
    """A native thread is not held for ever: 200 rows by 400 patterns are enough steps for a look at the clock."""
    database = SqliteDatabase(path, statement_seconds=-1.0)
    rows(database.execute_query("conversations", "insert", data=[conversation() for _ in range(200)]))
    patterns = {"any_of": [[{"column": "title", "operator": "like", "value": "x"}]] * 400}
    result = database.execute_query("conversations", "count", filters=[patterns])
    database.close()
    assert (result["success"], result["error"]) == (False, "interrupted")


def test_fifty_writers_and_readers_at_once_all_succeed(database: SqliteDatabase) -> None:
    """Writers queue up in the process, so none of them runs into the busy time."""
    results: list[QueryResult] = []

    def work() -> None:
        results.append(database.execute_query("conversations", "insert", data=conversation()))
        results.append(database.execute_query("conversations", "count"))

    tasks = [runtime.spawn(work) for _ in range(50)]
    assert all(task.wait(20) for task in tasks)
    assert [result["error"] for result in results] == [None] * 100
    assert count(database.execute_query("conversations", "count")) == 50


def test_many_who_open_a_new_file_at_once_all_get_in(tmp_path: Path) -> None:
    """Making the schema and changing to WAL is done once, the others wait for it."""
    for attempt in range(10):
        database = SqliteDatabase(tmp_path / str(attempt) / "jupiter.db", busy_seconds=0.0)
        results: list[QueryResult] = []

        def ask(database: SqliteDatabase = database, results: list[QueryResult] = results) -> None:
            results.append(database.execute_query("experiments", "count"))

        tasks = [runtime.spawn(ask) for _ in range(8)]
        assert all(task.wait(20) for task in tasks)
        database.close()
        assert [result["error"] for result in results] == [None] * 8


def test_the_event_loop_runs_on_while_a_statement_does(path: Path) -> None:
    """The statement waits for another process in a native thread; everybody else gets their turns meanwhile."""
    if runtime.mode() == "threading":
        pytest.skip("threads run beside each other anyway")
    turns: list[float] = []
    busy = threading.Event()

    database = SqliteDatabase(path, busy_seconds=0.3)
    database.migrate()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def tick() -> None:
        while not busy.is_set():
            turns.append(time.monotonic())
            runtime.sleep(0.01)

    ticking = runtime.spawn(tick)
    refused = database.execute_query("conversations", "insert", data=conversation())
    busy.set()
    ticking.wait(5)
    other.close()
    database.close()
    assert refused["response_time"] >= 0.2
    assert len(turns) > 5
    assert max(later - earlier for earlier, later in pairwise(turns)) < 0.2


def test_rows_written_survive_the_sudden_end_of_the_process(path: Path) -> None:
    """Acknowledged means on disk: the process is ended without a chance to clean up."""
    program = (
        "import os, sys, pathlib\n"
        "from backend import runtime; runtime.patch()\n"
        "from backend.storage.sqlite import SqliteDatabase\n"
        "database = SqliteDatabase(pathlib.Path(sys.argv[1]))\n"
        "for number in range(20):\n"
        "    row = {'id': str(number), 'user_id': 'a', 'created_at': '2026-01-01', 'updated_at': '2026-01-01'}\n"
        "    assert database.execute_query('conversations', 'insert', data=row)['success']\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=60)
    assert ended.returncode == -9
    database = SqliteDatabase(path)
    assert count(database.execute_query("conversations", "count")) == 20
    database.close()
