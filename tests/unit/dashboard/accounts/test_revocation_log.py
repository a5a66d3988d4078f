"""What was taken back survives restarts and reaches other processes."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from backend.dashboard.accounts.revocation_log import FORGET_EVERY, WHOLE_EVERY, RevocationLog, as_row, from_row
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy
from backend.resilience.testing import FakeClock
from backend.security.revocations import Revocation, Revocations
from backend.storage.database import rows
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase


class Process:
    """One process with its own index over a shared database."""

    def __init__(self, database, clock):
        guards = Guards(clock=clock)
        guard = guards.add("accounts", feature="dashboard_data", policy=Policy(attempts=1, failure_threshold=10**6))
        self.index = Revocations()
        self.log = RevocationLog(database, guard, self.index, clock=clock)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def database(tmp_path):
    made = FlakyDatabase(SqliteDatabase(tmp_path / "x.db"))
    yield made
    made.close()


@pytest.fixture
def here(database, clock):
    return Process(database, clock)


@pytest.fixture
def there(database, clock):
    return Process(database, clock)


def test_what_one_process_takes_back_the_other_knows_with_its_next_look(here, there, clock):
    ended = Revocation("session", "s1", clock.now(), reason="signed out", expires_at=clock.now() + timedelta(hours=1))
    assert here.log.record(ended) is True
    assert here.index.has_session("s1")
    assert not there.index.has_session("s1")
    assert there.log.look() is True
    assert there.index.has_session("s1")


def test_only_what_is_new_is_read_again(here, there, database, clock):
    for number in range(5):
        here.log.record(Revocation("session", f"s{number}", clock.now()))
    there.log.look()
    clock.advance(600)
    here.log.record(Revocation("session", "late", clock.now()))
    there.log.look()
    told = []
    there.index.subscribe(told.append)
    there.log.look()
    assert told == []
    assert there.index.has_session("late")


def test_the_newest_of_a_subject_replaces_the_one_before(here, database, clock):
    for role in ("viewer", "administrator"):
        clock.advance(1)
        here.log.record(Revocation("role", "ann", clock.now(), role=role))
    assert [row["role"] for row in rows(database.execute_query("revocations", "select"))] == ["administrator"]


def test_it_holds_here_while_the_database_is_away_and_is_written_when_it_is_back(here, there, database, clock):
    database.fail_all()
    assert here.log.record(Revocation("user", "ann", clock.now(), reason="disabled")) is False
    assert here.log.look() is False
    database.failing = lambda *_: False
    here.log.look()
    there.log.look()
    assert [row["reason"] for row in rows(database.execute_query("revocations", "select"))] == ["disabled"]
    assert there.index.add(Revocation("user", "ann", clock.now())) is False  # known already


def test_what_comes_while_an_older_one_of_the_same_person_is_written_is_written_too(here, database, clock, monkeypatch):
    put, newer = here.log._put, Revocation("user", "ann", clock.now() + timedelta(seconds=1), reason="second")

    def slowly(row):
        monkeypatch.setattr(here.log, "_put", put)
        assert here.log.record(newer) is False
        put(row)

    monkeypatch.setattr(here.log, "_put", slowly)
    here.log.record(Revocation("user", "ann", clock.now(), reason="first"))
    assert [row["reason"] for row in rows(database.execute_query("revocations", "select"))] == ["second"]
    assert here.log.unwritten == 0


def test_what_was_written_long_after_it_happened_is_known_within_a_minute(here, there, clock):
    """One process could not reach the database, and meanwhile another has written something newer."""
    late = Revocation("session", "s1", clock.now())
    clock.advance(600)
    there.log.record(Revocation("session", "s2", clock.now()))
    there.log.look()
    here.log.record(late)
    clock.advance(WHOLE_EVERY)
    there.log.look()
    assert there.index.has_session("s1")


def test_a_restart_begins_with_what_was_taken_back_before(here, database, clock):
    here.log.record(Revocation("session", "s1", clock.now()))
    after = Process(database, clock)
    after.log.begin()
    assert after.index.has_session("s1")


def test_a_database_that_hangs_does_not_hold_up_the_start(here, database, caplog):
    database.gate.clear()
    began = time.monotonic()
    here.log.begin()
    database.gate.set()
    assert time.monotonic() - began < 10  # the guard alone would wait longer, and the gate 20 s
    assert "tried again every second" in caplog.text


def test_rows_that_can_matter_no_more_are_deleted_now_and_then(here, database, clock):
    here.log.record(Revocation("session", "s1", clock.now(), expires_at=clock.now() + timedelta(minutes=1)))
    here.log.record(Revocation("user", "ann", clock.now()))
    here.log.look()
    clock.advance(FORGET_EVERY + 1)
    here.log.look()
    assert [row["kind"] for row in rows(database.execute_query("revocations", "select"))] == ["user"]
    assert not here.index.has_session("s1")


def test_a_row_goes_to_json_and_back(clock):
    one = Revocation("role", "ann", clock.now(), role="viewer", reason="x", expires_at=clock.now())
    assert from_row(as_row(one)) == one


@pytest.mark.parametrize(
    "row", [{}, {"kind": "user"}, as_row(Revocation("user", "a", FakeClock().now())) | {"created_at": 1}]
)
def test_a_row_that_cannot_be_read_is_none(row):
    assert from_row(row) is None
