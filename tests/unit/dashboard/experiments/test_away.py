"""Experiments while the database is away: nothing accepted is lost, and what is shown says what it is."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import DatabaseError, NotFoundError
from tests.unit.dashboard.experiment_world import BODY, Experiments


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Experiments]:
    made = Experiments(tmp_path)
    yield made
    made.close()


def test_what_is_created_meanwhile_is_marked_shown_and_there_in_the_end(world: Experiments) -> None:
    """As item and in the list; when it is written the mark goes."""
    world.away()
    (made,) = world.create("kept")
    assert made["queued"] is True
    assert world.service.get("ada", made["id"])["queued"] is True
    page = world.service.list("ada")
    assert [(row["name"], row["queued"]) for row in page["experiments"]] == [("kept", True)]
    assert (page["queued"], page["stale"], page["total"], page["next_cursor"]) == (1, True, 1, None)
    assert page["message"]
    world.back()
    after = world.service.list("ada")
    assert [row["name"] for row in after["experiments"]] == ["kept"]
    assert "queued" not in after
    assert "queued" not in after["experiments"][0]
    assert "stale" not in after


def test_what_was_shown_before_is_shown_on_with_the_changes_since(world: Experiments) -> None:
    """Out of the last summary: changed, deleted, new, filtered and sorted as asked."""
    first, second, _ = world.create("a", "b", "c")
    world.summaries.summary("ada")
    world.away()
    assert world.service.update("ada", first["id"], {"name": "a2"})["name"] == "a2"
    assert world.service.delete("ada", second["id"])["queued"] is True
    world.create("d", status="running")
    assert world.listed() == ["d", "c", "a2"]
    assert world.listed(sort="name") == ["a2", "c", "d"]
    assert world.listed(status="running") == ["d"]
    assert world.listed(search="A2") == ["a2"]
    assert world.service.get("ada", first["id"])["name"] == "a2"
    world.back()
    assert world.listed(sort="name") == ["a2", "c", "d"]


def test_damaged_entries_of_the_outbox_change_nothing_that_is_shown(world: Experiments) -> None:
    """They are for whoever looks after the outbox."""
    (kept,) = world.create("kept")
    world.away()
    world.create("new")
    world.service.delete("ada", kept["id"])
    world.service.update("ada", kept["id"], {"name": "other"})
    with sqlite3.connect(world.folder / "outbox.db") as connection:
        connection.execute("UPDATE entries SET request = 'x', operation = replace(operation, 'update', 'delete')")
    connection.close()
    world.inner.heal()
    world.clock.advance(120)
    assert world.listed() == ["kept"]


def test_with_nothing_known_a_list_is_an_error(world: Experiments) -> None:
    """Not an empty list, which would be a lie."""
    world.away()
    with pytest.raises(DatabaseError):
        world.service.list("ada")
    with pytest.raises(DatabaseError):
        world.service.get("ada", str(uuid.uuid4()))


def test_a_change_of_what_nobody_knows_is_kept_and_set_aside_if_there_is_none(world: Experiments) -> None:
    """It may exist; that is found out later."""
    world.away()
    answer = world.service.update("ada", str(uuid.uuid4()), {"name": "perhaps"})
    assert (answer["queued"], answer["name"]) == (True, "perhaps")
    world.back()
    assert world.outbox.counts()[:2] == (0, 1)


def test_nobody_sees_or_changes_what_is_anothers_by_way_of_the_outbox(world: Experiments) -> None:
    """A foreign change waits, changes nothing that its owner sees, and is set aside."""
    (mine,) = world.create("mine")
    world.summaries.summary("ada")
    world.away()
    world.service.update("eve", mine["id"], {"name": "hers"})
    assert world.service.get("ada", mine["id"])["name"] == "mine"
    assert world.listed() == ["mine"]
    (new,) = world.create("new")
    with pytest.raises((NotFoundError, DatabaseError)):
        world.service.get("eve", new["id"])
    world.back()
    assert sorted(world.listed()) == ["mine", "new"]
    assert world.outbox.counts().set_aside == 1


def test_until_all_is_written_reads_show_what_will_be(world: Experiments) -> None:
    """The database is back, the outbox is not done: one reads what one has written."""
    (kept,) = world.create("old")
    world.away()
    world.service.update("ada", kept["id"], {"name": "new"})
    world.create("second")
    world.inner.heal()
    world.clock.advance(120)
    page = world.service.list("ada")
    assert [row["name"] for row in page["experiments"]] == ["second", "new"]
    assert page["queued"] == 2
    assert "stale" not in page
    assert world.service.get("ada", kept["id"])["name"] == "new"


def test_the_summary_says_that_it_is_from_before(world: Experiments) -> None:
    """Its own numbers do not count what waits; it is marked as stale."""
    world.create("a")
    world.summaries.summary("ada")
    world.away()
    world.create("b")
    summary = world.summaries.summary("ada")
    assert (summary["total_experiments"], summary["stale"]) == (1, True)


def test_a_deletion_can_be_restored_while_the_database_is_away(world: Experiments) -> None:
    """Both wait, in their order."""
    (made,) = world.create("a")
    world.summaries.summary("ada")
    world.away()
    world.service.delete("ada", made["id"])
    assert world.listed() == []
    world.service.restore("ada", made["id"])
    assert world.listed() == ["a"]
    world.back()
    assert world.listed() == ["a"]
    assert world.outbox.counts()[:2] == (0, 0)


def test_a_file_is_taken_in_although_the_database_is_away(world: Experiments) -> None:
    """Its rows wait; one that exists already is left as it is."""
    (there,) = world.create("there")
    world.away()
    report = world.importing.run("ada", [BODY | {"name": "new"}, BODY | {"id": there["id"], "name": "other"}])
    assert (report["accepted"], report["queued"]) == (2, 2)
    world.back()
    assert sorted(world.listed()) == ["new", "there"]
    assert world.outbox.counts()[:2] == (0, 0)
