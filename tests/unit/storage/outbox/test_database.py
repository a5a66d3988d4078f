"""What happens to a write when the database is away."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from backend.errors import (
    CircuitBreakerOpenError,
    ConflictError,
    DatabaseError,
    FeatureDisabledError,
    ValidationError,
)
from backend.resilience.guard import Guards
from backend.storage.database import QueryResult, rows
from backend.storage.outbox.database import OutboxDatabase
from backend.storage.outbox.outbox import Outbox, OutboxFullError
from backend.storage.outbox.replayer import Replayer
from backend.storage.sqlite import SqliteDatabase
from tests.unit.storage.outbox.world import World, experiment


def test_while_all_is_well_there_is_no_outbox(world: World) -> None:
    """Not even a file; and answers are the database's own."""
    row = world.insert()
    assert "queued" not in world.change(row, name="new")
    assert world.names() == ["new"]
    assert not (world.folder / "outbox.db").exists()


def test_a_write_that_finds_the_database_away_is_kept_and_says_so(world: World) -> None:
    """With the row as it will be, in a file of the owner alone."""
    world.inner.fail_all()
    row = experiment()
    answer = world.write("insert", data=row)
    assert (answer["success"], answer["queued"]) == (True, True)
    assert answer["data"][0]["name"] == row["name"]
    assert answer["data"][0]["created_at"] == "2026-01-01T00:00:00.000000+00:00"
    assert stat.S_IMODE((world.folder / "outbox.db").stat().st_mode) == 0o600
    assert world.outbox.counts()[:2] == (1, 0)


def test_the_breaker_counts_what_the_outbox_catches(world: World) -> None:
    """After five failures the database is not touched any more, and writes are kept all the same."""
    world.inner.fail_all()
    for number in range(5):
        world.insert(user_id=str(number))  # one's own second write would wait behind the first without a try
    asked = len(world.inner.calls)
    world.insert(user_id="5")
    assert (len(world.inner.calls), world.guard.breaker.state) == (asked, "open")
    assert world.outbox.counts().pending == 6


def test_a_read_gets_the_error_that_it_would_have_got(world: World) -> None:
    """Nothing can be kept of it."""
    world.inner.fail_all()
    for error in (DatabaseError,) * 5 + (CircuitBreakerOpenError,):
        with pytest.raises(error):
            world.write("select")
    assert world.outbox.counts().pending == 0


def test_a_write_that_names_no_record_is_not_kept(world: World) -> None:
    """Done later it could hit others than those that were meant."""
    world.inner.fail_all()
    filters = [{"column": "status", "value": "running"}]
    with pytest.raises(DatabaseError):
        world.write("update", filters=filters, data={"status": "failed"})
    with pytest.raises(DatabaseError):
        world.write("delete", filters=filters)


def test_what_the_database_refuses_is_refused_at_once(world: World) -> None:
    """A conflict is not an outage."""
    row = world.insert()
    with pytest.raises(ConflictError):
        world.write("insert", data=row)
    with pytest.raises(ValidationError):
        world.write("insert", data={"id": row["id"], "user_id": "ada"})
    assert world.outbox.counts().pending == 0


@pytest.mark.parametrize("data", [{"id": "x", "colour": "red"}, {"id": 5}, {"id": "x", "created_at": "yesterday"}, "x"])
def test_what_no_database_would_take_is_refused_during_the_outage_too(world: World, data: Any) -> None:
    """It would only be set aside later."""
    world.inner.fail_all()
    with pytest.raises(ValidationError):
        world.write("insert", data=data)


def test_what_a_person_switched_off_stays_off(world: World) -> None:
    """That is no outage."""
    guards = Guards(clock=world.clock)
    guard = guards.add("other", feature="dashboard_data")
    guards.degradation.disable_feature("dashboard_data", "maintenance")
    world.stored._guard = guard  # type: ignore[attr-defined]
    with pytest.raises(FeatureDisabledError):
        world.insert()


def test_a_write_waits_behind_those_of_its_owner_also_when_the_database_is_back(world: World) -> None:
    """Else an older change would come after a newer one; other people need not wait."""
    world.inner.fail_all()
    row = world.insert(name="old")
    world.inner.heal()
    assert world.change(row, name="new")["queued"] is True
    assert "queued" not in world.write("insert", data=experiment(user_id="eve", name="hers"))
    assert world.names() == ["hers"]
    world.replayer.replay()
    assert sorted(world.names()) == ["hers", "new"]


def test_a_write_by_id_alone_waits_behind_those_about_that_record(world: World) -> None:
    """As an administrator's does, who changes everybody's."""
    world.inner.fail_all()
    row = world.insert(name="old")
    world.inner.heal()
    by_id = [{"column": "id", "value": row["id"]}]
    assert world.write("update", filters=by_id, data={"name": "new"})["queued"] is True
    assert [entry.write.owner for entry in world.outbox.pending(9)] == ["ada", "ada"]


def test_a_write_without_a_guard_is_kept_too(world: World) -> None:
    """The decorator alone is enough."""
    world.inner.fail_all()
    answer = world.database.execute_query("experiments", "insert", data=experiment())
    assert answer["queued"] is True


def test_several_rows_are_kept_all_or_none(tmp_path: Path) -> None:
    """The limit is met in the middle: nothing of it stays, and it is not acknowledged."""
    world = World(tmp_path, max_entries=2, owner_share=1.0)
    world.inner.fail_all()
    with pytest.raises(OutboxFullError):
        world.write("insert", data=[experiment() for _ in range(3)])
    assert world.outbox.counts().pending == 0
    world.write("insert", data=[experiment() for _ in range(2)])
    with pytest.raises(OutboxFullError):
        world.insert()
    assert world.outbox.counts().pending == 2
    world.close()


def test_one_person_cannot_fill_it_alone(tmp_path: Path) -> None:
    """What is left is for others; what was discarded makes room again."""
    world = World(tmp_path, max_entries=4, owner_share=0.5)
    world.inner.fail_all()
    world.insert()
    world.insert()
    with pytest.raises(OutboxFullError):
        world.insert()
    world.insert(user_id="eve")
    world.outbox.done(world.outbox.pending(1)[0])
    world.insert()
    world.close()


def test_of_a_persons_many_writes_the_newest_are_shown(world: World) -> None:
    """What somebody has just done is what they look for; in the order in which it was done."""
    world.inner.fail_all()
    for name in "abc":
        world.insert(name=name)
    world.insert(name="hers", user_id="eve")
    for owner, expected in (("ada", ["b", "c"]), (None, ["c", "hers"])):
        assert [entry.write.row()["name"] for entry in world.outbox.of_owner("experiments", owner, 2)] == expected


def test_it_is_bounded_by_bytes(tmp_path: Path) -> None:
    """However few the writes are."""
    world = World(tmp_path, max_bytes=3000, owner_share=1.0)
    world.inner.fail_all()
    world.insert()
    for text in ("y" * 3000, "☄" * 1000):
        with pytest.raises(OutboxFullError):
            world.insert(parameters={"x": text})
    world.close()


def test_what_cannot_be_kept_is_not_acknowledged(world: World) -> None:
    """A file that cannot be written, as on a full disk: an error with a status of its own."""
    world.inner.fail_all()
    (world.folder / "outbox.db").mkdir()
    with pytest.raises(DatabaseError):
        world.insert()


def test_a_broken_outbox_does_not_keep_a_healthy_database_from_working(world: World) -> None:
    """It is looked into, and left alone."""
    (world.folder / "outbox.db").write_bytes(b"not a database" * 100)
    world.insert(name="here")
    assert world.names() == ["here"]


def test_a_call_of_several_writes_that_fails_in_the_middle_is_kept_whole(world: World) -> None:
    """Those that had come through are done again, which changes nothing."""
    first, second = experiment(name="first"), experiment(name="second")

    def both() -> list[QueryResult]:
        answers = []
        for row in (first, second):
            answers.append(world.database.execute_query("experiments", "insert", data=row))
            rows(answers[-1])
            world.inner.fail_all()
        return answers

    answers = world.stored.call(both)
    assert all(answer["queued"] for answer in answers)
    world.inner.heal()
    assert world.replayer.replay() == 2
    assert world.names() == ["first", "second"]


def test_a_fallback_is_given_as_by_the_guard(world: World) -> None:
    """For reads, that is."""
    world.inner.fail_all()
    read = world.stored.call(
        lambda: rows(world.database.execute_query("experiments", "select")), fallback=lambda: ["kept"]
    )
    assert read == ["kept"]


@pytest.mark.parametrize("table", ["accounts", "revocations", "sessions", "scans", "findings"])
def test_who_may_come_in_is_never_decided_later_and_scans_look_after_themselves(world: World, table: str) -> None:
    """A withdrawn right that waits in line would still be one."""
    world.inner.fail_all()
    with pytest.raises(DatabaseError):
        world.write("delete", table=table, filters=[{"column": "id", "value": "ada"}])


def test_a_change_on_a_condition_is_a_question_and_cannot_wait(world: World) -> None:
    """Who claims something must know whether he has got it."""
    row = world.insert()
    world.inner.fail_all()
    claim = [{"column": "id", "value": row["id"]}, {"column": "status", "value": "pending"}]
    with pytest.raises(DatabaseError):
        world.write("update", filters=claim, data={"status": "running"})
    assert world.outbox.counts().pending == 0


def test_a_damaged_file_of_the_database_loses_no_write(tmp_path: Path) -> None:
    """The real one, broken in place: the write is kept, and done when the file is whole again."""
    path = tmp_path / "jupiter.db"
    healthy = SqliteDatabase(path)
    healthy.migrate()
    healthy.close()
    whole = path.read_bytes()
    path.write_bytes(b"not a database" * 1000)
    database = OutboxDatabase(SqliteDatabase(path), Outbox(tmp_path / "outbox.db"))
    assert database.execute_query("experiments", "insert", data=experiment(name="kept"))["queued"] is True
    for leftover in tmp_path.glob("jupiter.db-*"):
        leftover.unlink()
    path.write_bytes(whole)
    guard = Guards().add("database", feature="dashboard_data")
    assert Replayer(database.outbox, database.inner, guard).replay() == 1
    assert [row["name"] for row in rows(database.execute_query("experiments", "select"))] == ["kept"]
    database.close()


def test_a_full_disk_loses_no_write_as_long_as_the_outbox_has_room(tmp_path: Path) -> None:
    """SQLite's own limit of pages stands for the disk."""
    database = OutboxDatabase(SqliteDatabase(tmp_path / "jupiter.db"), Outbox(tmp_path / "outbox.db"))
    full = database.inner
    rows(full.execute_query("experiments", "insert", data=experiment(name="before")))
    (connection,) = full._file._idle  # type: ignore[attr-defined]
    connection.execute("PRAGMA max_page_count = 1")
    answers = [
        database.execute_query("experiments", "insert", data=experiment(name=str(n), description="x" * 9000))
        for n in range(3)
    ]
    assert [answer.get("queued") for answer in answers] == [True] * 3
    database.close()
