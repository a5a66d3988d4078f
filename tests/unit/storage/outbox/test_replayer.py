"""What waits is done once, in order, and nothing is dropped."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import runtime
from backend.errors import NotFoundError
from backend.storage.database import Filter, rows
from backend.storage.outbox.replayer import LEASE_SECONDS, MAX_ATTEMPTS, Replayed
from tests.unit.storage.outbox.world import World, experiment


def heal(world: World) -> None:
    world.inner.heal()
    world.clock.advance(120)  # the breaker lets a probe through


def test_on_return_everything_is_done_in_order_and_its_owners_are_told(world: World) -> None:
    """Create, change, delete: as if the database had been there."""
    world.inner.fail_all()
    kept, gone = world.insert(name="a"), world.insert(name="b")
    world.change(kept, name="a2")
    world.change(kept, status="running")
    by_id = [{"column": "user_id", "value": "ada"}, {"column": "id", "value": gone["id"]}]
    world.write("delete", filters=by_id)
    heal(world)
    assert world.replayer.replay() == 5
    assert [(row["name"], row["status"]) for row in world.stored_rows()] == [("a2", "running")]
    assert world.outbox.counts() == (0, 0, 0, None)
    assert world.told == [Replayed("experiments", "ada")]


def test_while_the_database_is_away_nothing_is_lost_or_passed_over(world: World) -> None:
    """The order stays; a try that the guard rejects is no attempt."""
    world.inner.fail_all()
    world.insert(name="first")
    world.insert(name="second")
    for _ in range(30):
        assert world.replayer.replay() == 0
    entries = world.outbox.pending(9)
    assert [entry.write.row()["name"] for entry in entries] == ["first", "second"]
    assert 0 < entries[0].attempts < MAX_ATTEMPTS
    assert entries[0].error is not None
    assert "secret" not in entries[0].error, "the database's own words are for the log"
    assert world.outbox.counts().set_aside == 0


@pytest.mark.parametrize("operation", ["insert", "upsert"])
def test_a_write_whose_outcome_nobody_knows_is_there_once(world: World, operation: Any) -> None:
    """It had come through although the answer was lost: doing it again changes nothing."""
    row = experiment()
    inner = world.inner.execute_query

    def lossy(*args: Any, **more: Any) -> Any:
        return inner(*args, **more) | {"success": False, "error": "lost", "code": "unreachable"}

    world.inner.execute_query = lossy  # type: ignore[method-assign]
    assert world.write(operation, data=row)["queued"] is True
    world.inner.execute_query = inner  # type: ignore[method-assign]
    assert world.replayer.replay() == 1
    assert [found["id"] for found in world.stored_rows()] == [row["id"]]
    assert world.outbox.counts()[:2] == (0, 0)


ALIVE: Filter = {"column": "deleted_at", "operator": "is", "value": None}
LATELY: Filter = {"column": "deleted_at", "operator": "gte", "value": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("before", "condition", "after"), [(None, ALIVE, "2026-01-02T00:00:00Z"), ("2026-01-02T00:00:00Z", LATELY, None)]
)
def test_a_deletion_or_restoration_that_had_come_through_is_done(
    world: World, before: str | None, condition: Filter, after: str | None
) -> None:
    """Its answer was lost, and its own condition finds the record no more: no reason to bother an administrator."""
    row = world.insert(deleted_at=before)
    by_id: list[Filter] = [{"column": "user_id", "value": "ada"}, {"column": "id", "value": row["id"]}, condition]
    inner = world.inner.execute_query

    def lossy(*args: Any, **more: Any) -> Any:
        return inner(*args, **more) | {"success": False, "error": "lost", "code": "unreachable"}

    world.inner.execute_query = lossy  # type: ignore[method-assign]
    assert world.write("update", filters=by_id, data={"deleted_at": after})["queued"] is True
    world.inner.execute_query = inner  # type: ignore[method-assign]
    assert world.replayer.replay() == 1
    assert world.outbox.counts()[:2] == (0, 0)
    assert [bool(found["deleted_at"]) for found in world.stored_rows()] == [bool(after)]


@pytest.mark.parametrize(("user_id", "changes"), [("eve", {"deleted_at": None}), ("ada", {"name": "other"})])
def test_what_finds_no_record_and_is_not_so_is_set_aside(world: World, user_id: str, changes: dict[str, Any]) -> None:
    """Another person's record is not restored because it is alive; a name is not changed because a record is gone."""
    row = world.insert(deleted_at="2026-01-02T00:00:00Z" if "name" in changes else None)
    world.inner.fail_all()
    by_id: list[Filter] = [{"column": "user_id", "value": user_id}, {"column": "id", "value": row["id"]}]
    world.write("update", filters=[*by_id, ALIVE if "name" in changes else LATELY], data=changes)
    heal(world)
    assert world.replayer.replay() == 0
    assert world.outbox.counts()[:2] == (0, 1)


def test_a_replay_that_dies_before_it_could_note_it_is_done_again_without_harm(world: World) -> None:
    """kill -9 between the database's commit and the outbox's."""
    world.inner.fail_all()
    row = world.insert(name="old")
    world.change(row, name="new")
    heal(world)
    kept = world.outbox.done
    world.outbox.done = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt())  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        world.replayer.replay()
    world.outbox.done = kept  # type: ignore[method-assign]
    world.replayer.replay()
    assert world.names() == ["new"]
    assert world.outbox.counts()[:2] == (0, 0)


def test_new_rows_are_written_in_one_go(world: World) -> None:
    """A hundred at a time, and never the same record twice in one; the order stays."""
    world.inner.fail_all()
    for number in range(150):
        world.insert(name=f"{number:03}", user_id=str(number))
    heal(world)
    before = len(world.inner.calls)
    assert world.replayer.replay() == 150
    assert len(world.inner.calls) - before == 2
    assert world.names() == [f"{number:03}" for number in range(150)]
    assert len(world.told) == 150


def test_one_that_is_refused_does_not_spoil_it_for_the_others(world: World) -> None:
    """They are then written one by one, and only that one is set aside."""
    world.inner.fail_all()
    for number in range(9):
        row = experiment(name=str(number))
        world.write("insert", data=row if number != 5 else row | {"status": None})
    heal(world)
    assert world.replayer.replay() == 8
    assert world.names() == [str(number) for number in range(9) if number != 5]
    assert [entry.write.row()["name"] for entry in world.outbox.listing(9, state="set_aside")] == ["5"]


def test_what_the_database_refuses_is_set_aside_and_the_others_go_on(world: World) -> None:
    """A rule of the table, an id that is taken by another record's key, a record that is not there."""
    world.inner.fail_all()
    nameless = experiment()
    del nameless["name"]
    world.write("insert", data=nameless)
    world.change(experiment(), name="of a record that never was")
    good = world.insert(name="good")
    heal(world)
    assert world.replayer.replay() == 1
    assert [row["id"] for row in world.stored_rows()] == [good["id"]]
    aside = world.outbox.listing(9, state="set_aside")
    assert [entry.write.operation for entry in aside] == ["insert", "update"]
    assert all(entry.error for entry in aside)
    assert "queued" not in world.change(good, name="better")  # what is set aside keeps nobody waiting


def test_a_message_that_is_there_under_the_clients_own_mark_is_done(world: World) -> None:
    """Its id is another, because two attempts made one each."""
    at = "2026-01-01T00:00:00Z"
    talk = {"id": str(uuid.uuid4()), "user_id": "ada", "title": "", "created_at": at, "updated_at": at}
    world.write("insert", table="conversations", data=talk)

    def message() -> dict[str, Any]:
        texts = {"role": "user", "content": "hello", "client_message_id": "m1", "created_at": at}
        return {"id": str(uuid.uuid4()), "conversation_id": talk["id"], "user_id": "ada", "sources": []} | texts

    world.write("insert", table="messages", data=message())
    world.inner.fail_all()
    world.write("insert", table="messages", data=message())
    heal(world)
    world.replayer.replay()
    assert len(rows(world.inner.execute_query("messages", "select"))) == 1
    assert world.outbox.counts()[:2] == (0, 0)


def test_a_conflict_over_another_record_is_set_aside(world: World) -> None:
    """A row that is refused although nothing of its id is there."""
    world.inner.fail_all()
    world.insert()
    heal(world)
    inner = world.inner.execute_query

    def taken(table: str, operation: Any, **more: Any) -> Any:
        result = inner(table, operation, **more)
        return result if operation == "select" else result | {"success": False, "code": "conflict"}

    world.inner.failing = lambda table, operation, columns: operation == "insert"
    world.inner.execute_query = taken  # type: ignore[method-assign]
    world.replayer.replay()
    assert world.outbox.counts()[:2] == (0, 1)


def test_what_fails_on_and_on_while_others_are_taken_is_set_aside(world: World) -> None:
    """A record that makes the database stumble must not keep all others waiting for ever."""
    world.inner.fail_all()
    world.insert(name="poison")
    world.insert(name="good", user_id="eve")
    world.inner.failing = lambda table, operation, columns: operation == "insert"
    for _ in range(MAX_ATTEMPTS):
        world.clock.advance(120)
        world.replayer.replay()
    heal(world)
    aside = world.outbox.listing(9, state="set_aside")
    assert [entry.write.row()["name"] for entry in aside] == ["poison"]
    assert "fails at this one" in str(aside[0].error)
    world.replayer.replay()
    assert world.names() == ["good"]


def test_a_database_that_takes_no_writes_at_all_has_nothing_set_aside(world: World) -> None:
    """A locked file, for hours: reads work, writes do not."""
    world.inner.failing = lambda table, operation, columns: operation != "select"
    world.insert()
    for _ in range(3 * MAX_ATTEMPTS):
        world.clock.advance(120)
        world.replayer.replay()
    assert world.outbox.counts()[:2] == (1, 0)


def test_what_was_set_aside_can_be_tried_again_or_discarded(world: World) -> None:
    """By its id, and only while it is set aside."""
    world.inner.fail_all()
    row = experiment()
    world.change(row, name="changed")
    heal(world)
    world.replayer.replay()
    entry = world.outbox.listing(9, state="set_aside")[0]
    world.write("insert", data=row)
    world.outbox.retry(entry.id)
    assert world.outbox.counts()[:2] == (1, 0)
    with pytest.raises(NotFoundError):
        world.outbox.discard(entry.id)
    world.replayer.replay()
    assert world.names() == ["changed"]
    world.inner.fail_all()
    world.change(experiment(), name="nowhere")
    heal(world)
    world.replayer.replay()
    world.outbox.discard(world.outbox.listing(9, state="set_aside")[0].id)
    assert world.outbox.counts() == (0, 0, 0, None)


def test_of_two_who_decide_about_an_entry_at_once_one_is_told_that_he_was_late(world: World) -> None:
    """Nothing that is to be tried again is removed, and nobody is told that something was done that was not."""
    world.inner.fail_all()
    row = experiment()
    world.change(row, name="changed")
    heal(world)
    world.replayer.replay()
    entry = world.outbox.listing(9, state="set_aside")[0]
    world.outbox._aside = lambda _: entry  # type: ignore[method-assign]  # both have seen it before either decided
    world.outbox.retry(entry.id)
    for late in (world.outbox.discard, world.outbox.retry):
        with pytest.raises(NotFoundError):
            late(entry.id)
    assert world.outbox.counts()[:2] == (1, 0)


def test_one_process_replays_at_a_time_and_a_dead_one_is_waited_out(world: World) -> None:
    """The lease runs out by itself; a process that stops gives it back."""
    other = world.new_replayer()
    world.inner.fail_all()
    world.insert(name="first")
    heal(world)
    assert world.outbox.hold("a process that died", LEASE_SECONDS)
    assert world.replayer.replay() == 0
    world.clock.advance(LEASE_SECONDS + 1)
    assert world.replayer.replay() == 1
    world.inner.fail_all()
    world.insert(name="second")
    heal(world)
    assert world.outbox.hold("another", LEASE_SECONDS)
    world.outbox.release("another")
    assert other.replay() == 1
    assert world.names() == ["first", "second"]


def test_the_turn_is_kept_while_the_database_is_slow(world: World) -> None:
    """Another process that began beside it could write something old over something newer."""
    world.inner.fail_all()
    for number in range(60):
        row = experiment(name=f"{number:02}")
        world.write("insert", data=row if number else row | {"status": None})  # so they are written one by one
    heal(world)
    inner, turns = world.inner.execute_query, []

    def slow(*args: Any, **more: Any) -> Any:
        world.clock.advance(1)
        turns.append(world.outbox.hold("another", LEASE_SECONDS))
        return inner(*args, **more)

    world.inner.execute_query = slow  # type: ignore[method-assign]
    assert world.replayer.replay() == 59
    assert turns == [False] * 61
    assert world.names() == [f"{number:02}" for number in range(1, 60)]


def test_who_has_lost_the_turn_leaves_the_rest_to_the_other(world: World) -> None:
    """Frozen for longer than the lease, in the middle: it tells whose records it has changed and writes no more."""
    world.inner.fail_all()
    rows_ = [world.insert(name=str(number), user_id=str(number)) for number in range(3)]
    for row in rows_:
        world.change(row, status="running")
    heal(world)
    inner = world.inner.execute_query

    def frozen(*args: Any, **more: Any) -> Any:
        result = inner(*args, **more)
        if args[1] == "update" and world.clock.monotonic() < 1000:
            world.clock.advance(1000)
            assert world.outbox.hold("another", LEASE_SECONDS)
        return result

    world.inner.execute_query = frozen  # type: ignore[method-assign]
    assert world.replayer.replay() == 4
    assert [row["status"] for row in world.stored_rows()] == ["running", "pending", "pending"]
    assert [one.owner for one in world.told] == ["0", "1", "2"]
    world.outbox.release("another")
    assert world.replayer.replay() == 2


def test_who_stops_in_the_middle_ends_what_it_is_at_and_no_more(world: World) -> None:
    """Only then has the next process its turn."""
    world.inner.fail_all()
    made = [world.insert(name=str(number)) for number in range(2)]
    for row in made:
        world.change(row, status="running")
    heal(world)
    inner = world.inner.execute_query
    stops: list[Any] = []

    def stopping(*args: Any, **more: Any) -> Any:
        if args[1] == "update" and not stops:
            stops.append(runtime.spawn(world.replayer.stop))
            runtime.sleep(0.01)
            assert not world.outbox.hold("another", LEASE_SECONDS)
        return inner(*args, **more)

    world.inner.execute_query = stopping  # type: ignore[method-assign]
    assert world.replayer.replay() == 3
    assert stops[0].wait(10)
    assert world.new_replayer().replay() == 1


def test_a_lease_of_another_time_holds_nobody_up(world: World) -> None:
    """Of before the machine was started again: it would end in the far future."""
    world.clock.advance(1_000_000)
    world.inner.fail_all()
    world.insert()
    assert world.outbox.hold("a process of before", LEASE_SECONDS)
    world.outbox.close()
    again = World(world.folder)
    assert again.replayer.replay() == 1
    again.close()


def test_an_entry_that_cannot_be_read_is_set_aside_and_the_others_go_on(world: World) -> None:
    """Damage in the file: it is shown, and in nobody's way."""
    world.inner.fail_all()
    damaged, _ = world.insert(name="damaged"), world.insert(name="good")
    with sqlite3.connect(world.folder / "outbox.db") as connection:
        connection.execute("UPDATE entries SET request = '{\"da' WHERE record_id = ?", (damaged["id"],))
    connection.close()
    heal(world)
    assert world.replayer.replay() == 1
    assert world.names() == ["good"]
    assert [entry.write.record_id for entry in world.outbox.listing(9, state="set_aside")] == [damaged["id"]]


def test_what_waits_is_there_after_a_restart(world: World) -> None:
    """In a new process, from the same file."""
    world.inner.fail_all()
    world.insert(name="kept")
    world.outbox.close()
    again = World(world.folder)
    assert again.replayer.replay() == 1
    assert again.names() == ["kept"]
    again.close()


class Story:
    """What a plain dictionary would hold beside what the database and its outbox do."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.expected: dict[str, str] = {}
        self._whole = world.inner.execute_query

    def insert(self, record: str, status: str) -> None:
        if record not in self.expected:
            self.world.write("insert", data=experiment(id=record, status=status))
            self.expected[record] = status

    def update(self, record: str, status: str) -> None:
        if record in self.expected:
            self.world.write("update", filters=self._by_id(record), data={"status": status})
            self.expected[record] = status

    def delete(self, record: str, _: str) -> None:
        if record in self.expected:
            self.world.write("delete", filters=self._by_id(record))
            del self.expected[record]

    def replay(self, *_: str) -> None:
        self.world.replayer.replay()

    def fail(self, *_: str) -> None:
        self.world.inner.fail_all()

    def lose(self, *_: str) -> None:
        """Answers are lost though the writes come through."""

        def lossy(*args: Any, **more: Any) -> Any:
            result = self._whole(*args, **more)
            return result if args[1] == "select" else result | {"success": False, "code": "unreachable"}

        self.world.inner.execute_query = lossy  # type: ignore[method-assign]

    def heal(self, *_: str) -> None:
        self.world.inner.execute_query = self._whole  # type: ignore[method-assign]
        heal(self.world)

    def _by_id(self, record: str) -> list[dict[str, str]]:
        return [{"column": "user_id", "value": "ada"}, {"column": "id", "value": record}]


RECORDS = [str(uuid.UUID(int=number)) for number in (1, 2, 3)]
steps = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "delete", "replay", "fail", "heal", "lose"]),
        st.sampled_from(RECORDS),
        st.sampled_from(["pending", "running", "completed"]),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_whatever_happens_in_between_the_end_is_that_of_a_database_that_never_failed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    """Outages, lost answers and replays at any point: the same rows as in a plain dictionary."""
    world = World(tmp_path_factory.mktemp("outbox"))
    story = Story(world)
    for step, record, status in steps:
        getattr(story, step)(record, status)
    story.heal()
    story.replay()
    assert {row["id"]: row["status"] for row in world.stored_rows()} == story.expected
    assert world.outbox.counts()[:2] == (0, 0)
    world.close()
