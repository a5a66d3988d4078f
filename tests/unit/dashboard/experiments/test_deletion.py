"""Deleting is soft: gone from everything that is shown, and back on demand for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import NotFoundError
from tests.unit.dashboard.experiment_world import Experiments


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Experiments]:
    made = Experiments(tmp_path)
    yield made
    made.close()


def test_what_is_deleted_is_in_no_list_item_or_summary(world: Experiments) -> None:
    """But in the list of the deleted."""
    gone, _ = world.create("gone", "kept")
    told: list[str] = []
    world.service.subscribe(told.append)
    assert world.service.delete("ada", gone["id"])["deleted_at"] is not None
    assert (world.listed(), world.listed(deleted=True), told) == (["kept"], ["gone"], ["ada"])
    summary = world.summaries.summary("ada")
    assert (summary["total_experiments"], [row["name"] for row in summary["experiments"]]) == (1, ["kept"])
    assert summary["recent_activity"]["last_7_days"] == 1
    for act in (
        lambda: world.service.get("ada", gone["id"]),
        lambda: world.service.update("ada", gone["id"], {"name": "x"}),
        lambda: world.service.delete("ada", gone["id"]),
    ):
        with pytest.raises(NotFoundError):
            act()


def test_its_owner_or_an_administrator_restores_it_within_thirty_days(world: Experiments) -> None:
    """Nobody else, and not later."""
    one, other = world.create("one", "other")
    world.service.delete("ada", one["id"])
    world.service.delete("ada", other["id"])
    with pytest.raises(NotFoundError):
        world.service.restore("eve", one["id"])
    assert world.service.restore("root", one["id"], all_users=True)["deleted_at"] is None
    world.clock.advance(31 * 86400)
    with pytest.raises(NotFoundError):
        world.service.restore("ada", other["id"])
    assert world.listed() == ["one"]


def test_what_is_there_cannot_be_restored(world: Experiments) -> None:
    """There is nothing to bring back."""
    (one,) = world.create("one")
    with pytest.raises(NotFoundError):
        world.service.restore("ada", one["id"])


def test_days_narrow_the_list(world: Experiments) -> None:
    """From a day or a time on; to a time, or a day that is included whole."""
    world.create("first")
    world.clock.advance(86400)
    world.create("second")
    world.clock.advance(86400)
    world.create("third")
    assert world.listed(created_from="2026-01-02") == ["third", "second"]
    assert world.listed(created_to="2026-01-02") == ["second", "first"]
    assert world.listed(created_to="2026-01-02T00:00:00Z") == ["first"]
    assert world.listed(created_from="2026-01-02", created_to="2026-01-02") == ["second"]
