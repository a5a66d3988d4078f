"""The parts of the summary, each one a question to the database. Counting is the database's: no row travels for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from backend.dashboard.experiments.queries import ALIVE, owned
from backend.dashboard.experiments.service import TABLE
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.experiments import DEFAULT_RULES, ExperimentRules
from backend.schemas.rows import ExperimentRows
from backend.storage.database import Database, Row, rows

NEWEST = 50
RECENT = timedelta(days=7)
COMPLETED = "completed"
OTHER = "other"

PARTS: Mapping[str, Sequence[str]] = {
    "experiments": ("experiments", "invalid_rows"),
    "aggregations": ("total_experiments", "experiments_by_type", "experiments_by_status"),
    "recent_activity": ("recent_activity",),
}
"""Part -> the fields of the summary that it fills."""


def nothing() -> dict[str, Any]:
    """Return all fields of all parts as if there were no experiments."""
    return {
        "total_experiments": 0,
        "experiments": [],
        "experiments_by_type": {},
        "experiments_by_status": {},
        "recent_activity": {"last_7_days": 0, "completion_rate": 0.0},
    }


class SummaryParts:
    """Reads the parts; each method returns its fields and raises what the database raises."""

    def __init__(
        self, database: Database, *, clock: Clock = SYSTEM_CLOCK, rules: ExperimentRules = DEFAULT_RULES
    ) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._rows = ExperimentRows(rules)

    def experiments(self, user_id: str) -> dict[str, Any]:
        """Return the newest experiments, and how many of them are damaged where any is."""
        newest = [{"column": name, "descending": True} for name in ("created_at", "id")]
        read = self._database.execute_query(
            TABLE, "select", filters=[*owned(user_id, all_users=False), ALIVE], order=newest, limit=NEWEST
        )
        valid, invalid = self._rows.check(rows(read))
        return {"experiments": valid} | ({"invalid_rows": invalid} if invalid else {})

    def aggregations(self, user_id: str) -> dict[str, Any]:
        """Return the counts: all, by type, by status."""
        groups = self._counted(user_id, "experiment_type, status")
        return {
            "total_experiments": sum(group["count"] for group in groups),
            "experiments_by_type": _sums(groups, "experiment_type", self._rules.types),
            "experiments_by_status": _sums(groups, "status", self._rules.statuses),
        }

    def recent_activity(self, user_id: str) -> dict[str, Any]:
        """Return how many were created in the last seven days, and what percentage of them is completed."""
        since = {"column": "created_at", "operator": "gte", "value": self._clock.now() - RECENT}
        statuses = _sums(self._counted(user_id, "status", since), "status", self._rules.statuses)
        total = sum(statuses.values())
        rate = round(100 * statuses.get(COMPLETED, 0) / total, 1) if total else 0.0
        return {"recent_activity": {"last_7_days": total, "completion_rate": rate}}

    def _counted(self, user_id: str, columns: str, *filters: Mapping[str, Any]) -> list[Row]:
        there = (*owned(user_id, all_users=False), ALIVE, *filters)
        return rows(self._database.execute_query(TABLE, "count", columns=columns, filters=there))


def _sums(groups: Sequence[Row], column: str, known: Sequence[str]) -> dict[str, int]:
    """Add the groups up by one column; values that nobody knows are one."""
    sums: Counter[str] = Counter()
    for group in groups:
        sums[group[column] if group[column] in known else OTHER] += group["count"]
    return dict(sums)
