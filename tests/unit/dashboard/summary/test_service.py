"""The summary: always an answer, and one that says what it is."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend import runtime
from backend.cache.service import CacheService
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.summary.service import DEGRADED, SummaryService
from backend.errors import CircuitBreakerOpenError, DashboardError, DatabaseError, FeatureDisabledError
from backend.resilience.guard import Guard, Guards, Policy
from backend.resilience.testing import FakeClock
from backend.schemas.summary import SummarySchema
from backend.security import acting
from backend.security.principals import Principal
from backend.storage.database import rows
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase
from tests.support.stopwatch import stopwatch

EMPTY = {
    "total_experiments": 0,
    "experiments": [],
    "experiments_by_type": {},
    "experiments_by_status": {},
    "recent_activity": {"last_7_days": 0, "completion_rate": 0},
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[FlakyDatabase]:
    made = FlakyDatabase(SqliteDatabase(tmp_path / "jupiter.db"))
    yield made
    made.close()


@pytest.fixture
def guards(clock: FakeClock) -> Guards:
    made = Guards(clock=clock)
    made.add("database", feature="dashboard_data", policy=Policy(attempts=1))
    return made


@pytest.fixture
def guard(guards: Guards) -> Guard:
    return guards["database"]


@pytest.fixture
def cache(clock: FakeClock) -> CacheService:
    return CacheService(clock=clock, random=lambda: 0.0, patience=5)


@pytest.fixture
def service(database: FlakyDatabase, cache: CacheService, guard: Guard, clock: FakeClock) -> SummaryService:
    return SummaryService(database, cache, guard, clock=clock)


@pytest.fixture
def experiments(database: FlakyDatabase, cache: CacheService, guard: Guard, clock: FakeClock) -> ExperimentService:
    return ExperimentService(database, guard, cache=cache, clock=clock)


def test_the_database_is_asked_in_the_name_of_who_asks(service: SummaryService, database: FlakyDatabase) -> None:
    """Row-level security holds for the summary too, although whoever computes it does so for all who wait."""
    asked, inner = set(), database.execute_query

    def noting(*args: Any, **more: Any) -> Any:
        asked.add(acting.access_token())
        return inner(*args, **more)

    database.execute_query = noting  # type: ignore[method-assign]
    acting.as_person(Principal("ada", "viewer", access=lambda: "ada's token"))
    try:
        service.summary("ada")
    finally:
        acting.as_server()
    assert asked == {"ada's token"}
    service.summary("bob")
    assert asked == {"ada's token", None}


def create(experiments: ExperimentService, *statuses: str, kind: str = "benchmark") -> None:
    for status in statuses:
        experiments.create("ada", {"name": "x", "experiment_type": kind, "status": status})


def only(part: str) -> Any:
    """Fail the questions of one part."""
    calls = {
        "experiments": ("select", "*"),
        "aggregations": ("count", "experiment_type, status"),
        "recent_activity": ("count", "status"),
    }
    return lambda _table, operation, columns: (operation, columns) == calls[part]


def test_it_counts_lists_and_rates(service: SummaryService, experiments: ExperimentService, clock: FakeClock) -> None:
    """All fields of the contract, and only the person's own experiments."""
    create(experiments, "completed", "failed")
    clock.advance(8 * 86400)
    create(experiments, "completed", "completed", "running", kind="chaos_drill")
    experiments.create("eve", {"name": "hers", "experiment_type": "ab_test"})
    summary = service.summary("ada")
    shown = summary.pop("experiments")
    assert [row["experiment_type"] for row in shown] == ["chaos_drill"] * 3 + ["benchmark"] * 2
    assert summary == {
        "total_experiments": 5,
        "experiments_by_type": {"chaos_drill": 3, "benchmark": 2},
        "experiments_by_status": {"completed": 3, "failed": 1, "running": 1},
        "recent_activity": {"last_7_days": 3, "completion_rate": 66.7},
        "timestamp": "2026-01-09T00:00:00+00:00",
        "partial_failure": False,
        "cached": False,
        "cache_timestamp": None,
    }


def test_without_experiments_it_is_all_zeros(service: SummaryService) -> None:
    """No division by zero."""
    summary = service.summary("ada")
    assert {name: summary[name] for name in EMPTY} == EMPTY


def test_only_the_newest_fifty_travel(service: SummaryService, experiments: ExperimentService) -> None:
    """The counts are over all."""
    create(experiments, *["pending"] * 60)
    summary = service.summary("ada")
    assert (len(summary["experiments"]), summary["total_experiments"]) == (50, 60)


def test_the_second_answer_is_from_the_cache(
    service: SummaryService, database: FlakyDatabase, clock: FakeClock
) -> None:
    """It says so and since when; the database is not asked."""
    service.summary("ada")
    asked = len(database.calls)
    clock.advance(60)
    again = service.summary("ada")
    assert (again["cached"], again["cache_timestamp"]) == (True, "2026-01-01T00:00:00+00:00")
    assert again["timestamp"] == again["cache_timestamp"]
    assert "stale" not in again
    assert len(database.calls) == asked


def test_the_bytes_are_the_cached_answer(service: SummaryService, experiments: ExperimentService) -> None:
    """With an entity tag that changes when the content does."""
    create(experiments, "pending")
    assert service.summary_bytes("ada") is None
    service.summary("ada")
    kept = service.summary_bytes("ada")
    assert kept is not None
    body, etag = kept
    assert json.loads(body) == service.summary("ada")
    assert service.summary_bytes("ada") == (body, etag)
    assert '"' not in etag
    create(experiments, "pending")
    assert service.summary_bytes("ada") is None
    service.summary("ada")
    assert service.summary_bytes("ada") not in (None, (body, etag))


def test_force_refresh_asks_the_database(service: SummaryService, database: FlakyDatabase) -> None:
    """Although a fresh one is kept."""
    service.summary("ada")
    asked = len(database.calls)
    assert service.summary("ada", force_refresh=True)["cached"] is False
    assert len(database.calls) > asked


def test_a_change_is_seen_at_once(service: SummaryService, experiments: ExperimentService) -> None:
    """The cached summary is outdated by it."""
    assert service.summary("ada")["total_experiments"] == 0
    create(experiments, "pending")
    assert service.summary("ada")["total_experiments"] == 1


@pytest.mark.parametrize("part", ["experiments", "aggregations", "recent_activity"])
def test_a_part_that_fails_is_named_and_shown_as_last_known(
    service: SummaryService, experiments: ExperimentService, database: FlakyDatabase, part: str
) -> None:
    """The others are new; no SQL leaves the process."""
    create(experiments, "completed")
    before = service.summary("ada")
    create(experiments, "pending")
    database.failing = only(part)
    summary = service.summary("ada")
    assert (summary["partial_failure"], list(summary["errors"])) == (True, [part])
    assert "SELECT" not in summary["errors"][part]
    fields = {
        "experiments": ["experiments"],
        "aggregations": ["total_experiments", "experiments_by_type", "experiments_by_status"],
        "recent_activity": ["recent_activity"],
    }
    for name, of_part in fields.items():
        for field in of_part:
            assert (summary[field] == before[field]) == (name == part), field


@pytest.mark.parametrize("part", ["experiments", "aggregations", "recent_activity"])
def test_a_part_that_fails_without_anything_known_is_shown_as_nothing(
    service: SummaryService, experiments: ExperimentService, database: FlakyDatabase, part: str
) -> None:
    """Zeros and empty lists, named as errors; what is listed is at least counted."""
    create(experiments, "completed", "pending")
    database.failing = only(part)
    summary = service.summary("ada")
    assert summary["partial_failure"] is True
    assert (summary["experiments"] == []) == (part == "experiments")
    assert (summary["experiments_by_type"] == {}) == (part == "aggregations")
    assert (summary["recent_activity"]["last_7_days"] == 0) == (part == "recent_activity")
    assert summary["total_experiments"] == 2


def test_a_partial_summary_does_not_replace_the_whole_one(
    service: SummaryService, experiments: ExperimentService, database: FlakyDatabase, cache: CacheService
) -> None:
    """It is not kept at all: the next answer tries again."""
    create(experiments, "completed")
    service.summary("ada")
    database.failing = only("recent_activity")
    assert service.summary("ada", force_refresh=True)["partial_failure"] is True
    database.heal()
    assert service.summary("ada")["partial_failure"] is False
    assert cache.get_stale("summary:ada")["partial_failure"] is False


def test_with_the_database_away_the_last_summary_is_shown_as_stale(
    service: SummaryService, experiments: ExperimentService, database: FlakyDatabase, clock: FakeClock
) -> None:
    """With its age and the message; when the database is back, a new one."""
    create(experiments, "completed")
    service.summary("ada")
    clock.advance(301)
    database.fail_all()
    stale = service.summary("ada")
    assert (stale["stale"], stale["message"], stale["cached"]) == (True, DEGRADED, True)
    assert stale["cache_timestamp"] == "2026-01-01T00:00:00+00:00"
    assert stale["total_experiments"] == 1
    database.heal()
    clock.advance(61)
    assert service.summary("ada")["cached"] is False


def test_a_change_before_the_outage_does_not_lose_the_stale_copy(
    service: SummaryService, experiments: ExperimentService, database: FlakyDatabase
) -> None:
    """Outdated, but better than nothing."""
    service.summary("ada")
    create(experiments, "completed")
    database.fail_all()
    assert service.summary("ada")["stale"] is True
    assert service.summary_bytes("ada") is None


def test_with_nothing_to_show_the_error_carries_a_minimal_summary(
    service: SummaryService, database: FlakyDatabase
) -> None:
    """503, and what a client can show instead."""
    database.fail_all()
    with pytest.raises(DatabaseError) as caught:
        service.summary("ada")
    error = caught.value
    assert (error.status, error.retry_after, error.title) == (503, 60, "Data temporarily unavailable")
    assert error.fallback_data is not None
    assert {name: error.fallback_data[name] for name in EMPTY} == EMPTY
    assert error.fallback_data["partial_failure"] is True


def test_after_five_failures_the_database_is_not_touched(service: SummaryService, database: FlakyDatabase) -> None:
    """The mission's case: 503 'temporarily unavailable', retry_after 60, at once."""
    database.fail_all()
    for _ in range(5):
        with pytest.raises(DashboardError):
            service.summary("ada")
    asked = len(database.calls)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        service.summary("ada")
    assert len(database.calls) == asked
    error = caught.value
    assert (error.status, error.retry_after, error.title) == (503, 60, "Dashboard service temporarily unavailable")
    assert error.fallback_data is not None
    assert {name: error.fallback_data[name] for name in EMPTY} == EMPTY


def test_with_the_circuit_open_a_kept_summary_is_shown_without_touching_the_database(
    service: SummaryService, database: FlakyDatabase, clock: FakeClock
) -> None:
    """Stale, marked."""
    service.summary("ada")
    clock.advance(301)
    database.fail_all()
    for _ in range(5):
        service.summary("ada")
    asked = len(database.calls)
    assert service.summary("ada")["stale"] is True
    assert len(database.calls) == asked


def test_a_feature_that_a_person_switched_off_says_so(
    service: SummaryService, database: FlakyDatabase, guards: Guards
) -> None:
    """Not as a failure of the database."""
    guards.degradation.disable_feature("dashboard_data", "maintenance")
    with pytest.raises(FeatureDisabledError) as caught:
        service.summary("ada")
    assert caught.value.fallback_data is not None
    assert database.calls == []


def test_a_database_that_hangs_delays_nobody_who_can_be_shown_something(
    database: FlakyDatabase, guard: Guard, clock: FakeClock
) -> None:
    """The patience is spent once; then the stale copy comes at once."""
    cache = CacheService(clock=clock, patience=0.05)
    service = SummaryService(database, cache, guard, clock=clock)
    service.summary("ada")
    clock.advance(301)
    database.gate.clear()
    assert service.summary("ada")["stale"] is True
    clock.advance(0.05)
    asked = len(database.calls)
    with stopwatch() as took:
        for _ in range(50):
            assert service.summary("ada")["stale"] is True
    assert len(database.calls) == asked
    assert took() < 2.4  # with the patience spent each time it would be 2.5 s
    database.gate.set()


def test_who_is_patient_gets_what_a_slow_database_says_after_a_change(
    database: FlakyDatabase, guard: Guard, clock: FakeClock
) -> None:
    """What is kept from before the change is for those who cannot wait."""
    cache = CacheService(clock=clock, patience=0.0)
    service = SummaryService(database, cache, guard, clock=clock)
    experiments = ExperimentService(database, guard, cache=cache, clock=clock)
    service.summary("ada")
    create(experiments, "pending")
    database.gate.clear()
    answers: list[dict[str, Any]] = []
    task = runtime.spawn(lambda: answers.append(service.summary("ada", patient=True)))
    assert service.summary("ada")["total_experiments"] == 0
    database.gate.set()
    assert task.wait(10)
    assert (answers[0]["total_experiments"], "stale" in answers[0]) == (1, False)


def test_fifty_who_ask_at_once_cause_one_round_of_questions(service: SummaryService, database: FlakyDatabase) -> None:
    """Single-flight; all are answered."""
    answers: list[dict[str, Any]] = []
    tasks = [runtime.spawn(lambda: answers.append(service.summary("ada"))) for _ in range(50)]
    assert all(task.wait(20) for task in tasks)
    assert len(answers) == 50
    assert len(database.calls) == 3


def test_damaged_rows_are_left_out_and_counted(service: SummaryService, database: FlakyDatabase) -> None:
    """Types and statuses that nobody knows are counted as other: no foreign text becomes a name."""
    row = {
        "id": str(uuid.uuid4()),
        "user_id": "ada",
        "name": "x",
        "experiment_type": "<script>",
        "status": "<b>",
        "created_at": "2026-01-01",
        "updated_at": "2026-01-01",
    }
    rows(database.execute_query("experiments", "insert", data=row))
    summary = service.summary("ada")
    assert (summary["experiments"], summary["invalid_rows"], summary["total_experiments"]) == ([], 1, 1)
    assert summary["experiments_by_type"] == summary["experiments_by_status"] == {"other": 1}
    assert summary["partial_failure"] is False


def test_a_fault_that_nobody_expected_in_a_part_does_not_break_the_others(
    service: SummaryService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug in one part is logged with its trace; the person sees a neutral text."""

    def broken(_user_id: str) -> dict[str, Any]:
        raise KeyError("secret detail")

    monkeypatch.setattr(service._parts, "aggregations", broken)
    summary = service.summary("ada")
    assert summary["errors"] == {"aggregations": "This part could not be loaded."}
    assert any(record.exc_info for record in caplog.records)


def test_what_is_sent_is_what_is_documented(service: SummaryService, database: FlakyDatabase) -> None:
    """Every field is in the schema, and every required one is sent."""
    database.failing = only("recent_activity")
    summary = service.summary("ada")
    known = SummarySchema().fields
    assert set(summary) <= set(known)
    assert {name for name, field in known.items() if field.required} <= set(summary)
