"""The use cases about experiments, on a real SQLite file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.cache.service import CacheService
from backend.dashboard.experiments.service import ExperimentService, experiments_tag
from backend.errors import CircuitBreakerOpenError, DatabaseError, NotFoundError, ValidationError
from backend.resilience.guard import Guards, Policy
from backend.resilience.testing import FakeClock
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase

BODY = {"name": "Port scan", "experiment_type": "security_scan"}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[FlakyDatabase]:
    made = FlakyDatabase(SqliteDatabase(tmp_path / "jupiter.db"))
    yield made
    made.close()


@pytest.fixture
def cache(clock: FakeClock) -> CacheService:
    return CacheService(clock=clock)


@pytest.fixture
def service(database: FlakyDatabase, cache: CacheService, clock: FakeClock) -> ExperimentService:
    guard = Guards(clock=clock).add("database", feature="dashboard_data", policy=Policy(attempts=1))
    return ExperimentService(database, guard, cache=cache, clock=clock)


def names(page: dict[str, Any]) -> list[str]:
    return [row["name"] for row in page["experiments"]]


def test_what_is_created_can_be_read_by_its_owner(service: ExperimentService) -> None:
    """With an id, an owner and times of its own."""
    made = service.create("ada", BODY | {"name": "<b>Port</b> scan", "parameters": {"ports": [22]}})
    assert made == service.get("ada", made["id"])
    assert (made["name"], made["user_id"], made["status"]) == ("Port scan", "ada", "pending")
    assert made["parameters"] == {"ports": [22]}
    assert made["created_at"] == made["updated_at"] == "2026-01-01T00:00:00.000000+00:00"
    assert str(uuid.UUID(made["id"])) == made["id"]


def test_others_see_nothing_of_it_but_those_who_may_see_all(service: ExperimentService) -> None:
    """Not even that it exists."""
    made = service.create("ada", BODY)
    for act in (lambda: service.get("eve", made["id"]), lambda: service.update("eve", made["id"], {"name": "mine"})):
        with pytest.raises(NotFoundError):
            act()
    assert service.list("eve")["total"] == 0
    assert service.get("root", made["id"], all_users=True) == made
    assert service.list("root", all_users=True)["experiments"] == [made]


@pytest.mark.parametrize("unknown", ["3f2b8c1e-5a6d-4e7f-8a9b-0c1d2e3f4a5b", "nonsense", "", "'; --", None])
def test_an_unknown_id_is_not_found(service: ExperimentService, unknown: Any) -> None:
    """Whatever it looks like."""
    with pytest.raises(NotFoundError):
        service.get("ada", unknown)


def test_an_update_changes_what_it_names(service: ExperimentService, clock: FakeClock) -> None:
    """And the time of the change."""
    made = service.create("ada", BODY)
    clock.advance(60)
    changed = service.update("ada", made["id"], {"status": "completed"})
    assert changed == made | {"status": "completed", "updated_at": "2026-01-01T00:01:00.000000+00:00"}
    assert service.get("ada", made["id"]) == changed


@pytest.mark.parametrize("changes", [{}, {"id": "x"}, {"user_id": "eve"}, {"status": "paused"}, None, []])
def test_a_wrong_change_changes_nothing(service: ExperimentService, changes: Any) -> None:
    """ValidationError, and the experiment is as before."""
    made = service.create("ada", BODY)
    with pytest.raises(ValidationError):
        service.update("ada", made["id"], changes)
    assert service.get("ada", made["id"]) == made


def test_each_change_tells_the_owner_and_outdates_what_is_computed(
    service: ExperimentService, cache: CacheService
) -> None:
    """The cache first: whoever is told and asks gets the new state. An administrator's change tells the owner."""
    told: list[tuple[str, Any]] = []
    service.subscribe(lambda owner: told.append((owner, cache.get("kept"))))
    for act in (
        lambda: service.create("ada", BODY),
        lambda: service.update("root", service.list("ada")["experiments"][0]["id"], {"name": "x"}, all_users=True),
    ):
        cache.set("kept", 1, tags=(experiments_tag("ada"),))
        act()
    assert told == [("ada", None), ("ada", None)]


def test_a_page_leads_to_the_next_although_rows_come_meanwhile(service: ExperimentService, clock: FakeClock) -> None:
    """Every row once, whatever its equals; what comes in between does not shift the rest."""
    for number in range(10):
        service.create("ada", BODY | {"name": str(number)})
        clock.advance(number % 2)  # pairs of the same time
    seen: list[str] = []
    cursor = None
    while True:
        page = service.list("ada", {"limit": 3} | ({"cursor": cursor} if cursor else {}))
        seen += names(page)
        service.create("ada", BODY | {"name": "new"})
        clock.advance(1)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == [str(number) for number in range(10)]
    assert set(seen[:2]) == {"8", "9"}


@pytest.mark.parametrize("sort", ["-created_at", "created_at", "-updated_at", "updated_at", "name", "-name"])
def test_every_order_can_be_paged(service: ExperimentService, clock: FakeClock, sort: str) -> None:
    """One by one in both directions."""
    for name in ("b", "a", "c", "a"):
        service.create("ada", BODY | {"name": name})
        clock.advance(1)
    whole = [row["id"] for row in service.list("ada", {"sort": sort})["experiments"]]
    paged: list[str] = []
    query: dict[str, Any] = {"sort": sort, "limit": 1}
    while True:
        page = service.list("ada", query)
        paged += [row["id"] for row in page["experiments"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert paged == whole
    assert len(set(whole)) == 4


def test_filters_and_search_narrow_the_list(service: ExperimentService) -> None:
    """Together; the search looks into name and description, without regard to case, and takes signs as they are."""
    service.create("ada", BODY | {"name": "Scan 100%", "status": "failed"})
    service.create("ada", BODY | {"name": "Drill", "experiment_type": "chaos_drill", "description": "like a SCAN"})
    service.create("ada", BODY | {"name": "Other"})
    assert names(service.list("ada", {"type": "chaos_drill"})) == ["Drill"]
    assert names(service.list("ada", {"status": "failed"})) == ["Scan 100%"]
    assert sorted(names(service.list("ada", {"search": "scan"}))) == ["Drill", "Scan 100%"]
    assert names(service.list("ada", {"search": "100%"})) == ["Scan 100%"]
    assert names(service.list("ada", {"search": "scan", "status": "failed"})) == ["Scan 100%"]
    page = service.list("ada", {"limit": 1})
    assert (page["count"], page["total"]) == (1, 3)


@pytest.mark.parametrize("cursor", ["x", "!!!", "e30", "WzEsMiwzXQ", "bnVsbA", "WyItY3JlYXRlZF9hdCIsMSwyXQ", "ü"])
def test_a_forged_cursor_is_refused(service: ExperimentService, cursor: str) -> None:
    """As a wrong field, not as a fault."""
    with pytest.raises(ValidationError) as caught:
        service.list("ada", {"cursor": cursor})
    assert list(caught.value.details) == ["cursor"]


def test_a_cursor_of_another_order_is_refused(service: ExperimentService) -> None:
    """It would lead anywhere."""
    for _ in range(2):
        service.create("ada", BODY)
    cursor = service.list("ada", {"limit": 1})["next_cursor"]
    with pytest.raises(ValidationError):
        service.list("ada", {"cursor": cursor, "sort": "name"})


def test_a_damaged_row_is_left_out_and_counted(service: ExperimentService, database: FlakyDatabase) -> None:
    """Somebody else may have written into the table."""
    service.create("ada", BODY)
    database.execute_query(
        "experiments",
        "insert",
        data={
            "id": "not a uuid",
            "user_id": "ada",
            "name": "<script>",
            "experiment_type": "x",
            "status": "y",
            "created_at": "2026-01-01",
            "updated_at": "2026-01-01",
        },
    )
    page = service.list("ada")
    assert (names(page), page["count"], page["total"], page["invalid_rows"]) == (["Port scan"], 1, 2, 1)


def test_a_failing_database_is_an_error_and_tells_nobody(service: ExperimentService, database: FlakyDatabase) -> None:
    """After five failures it is not asked any more."""
    told: list[str] = []
    service.subscribe(told.append)
    database.fail_all()
    for _ in range(5):
        with pytest.raises(DatabaseError):
            service.create("ada", BODY)
    asked = len(database.calls)
    with pytest.raises(CircuitBreakerOpenError):
        service.list("ada")
    assert (len(database.calls), told) == (asked, [])


def test_an_attempt_whose_answer_was_lost_is_made_again_without_a_second_row(
    database: FlakyDatabase, clock: FakeClock
) -> None:
    """Creating is idempotent by id."""
    guard = Guards(clock=clock).add("database", feature="dashboard_data", policy=Policy(attempts=2))
    service = ExperimentService(database, guard, clock=clock)
    inner = database.execute_query
    answers = iter([False, True])

    def lossy(*args: Any, **more: Any) -> Any:
        result = inner(*args, **more)
        return result if args[1] != "upsert" or next(answers) else result | {"success": False, "error": "lost"}

    database.execute_query = lossy  # type: ignore[method-assign]
    service.create("ada", BODY)
    assert service.list("ada")["total"] == 1
