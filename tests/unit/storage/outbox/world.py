"""A database that can be away, with its outbox, its guard and what replays, on real files and a clock of the test's."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, cast

from backend.resilience.guard import Guard, Guards, Policy
from backend.resilience.testing import FakeClock
from backend.storage.database import QueryResult, rows
from backend.storage.outbox.database import OutboxDatabase
from backend.storage.outbox.guard import OutboxGuard
from backend.storage.outbox.outbox import Outbox
from backend.storage.outbox.replayer import Replayed, Replayer
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase


def experiment(**changes: Any) -> dict[str, Any]:
    row = {
        "id": str(uuid.uuid4()),
        "user_id": "ada",
        "name": "Port scan",
        "experiment_type": "security_scan",
        "status": "pending",
        "parameters": {"ports": [22]},
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    return row | changes


class World:
    def __init__(self, folder: Path, **limits: Any) -> None:
        self.clock = FakeClock()
        self.folder = folder
        self.inner = FlakyDatabase(SqliteDatabase(folder / "jupiter.db"))
        self.outbox = Outbox(folder / "outbox.db", clock=self.clock, **limits)
        self.database = OutboxDatabase(self.inner, self.outbox)
        guards = Guards(clock=self.clock)
        self.guard = guards.add("database", feature="dashboard_data", policy=Policy(attempts=1, open_jitter=0.0))
        self.stored = cast(Guard, OutboxGuard(self.guard))
        self.replayer = self.new_replayer()
        self.told: list[Replayed] = []
        self.replayer.subscribe(self.told.append)

    def new_replayer(self) -> Replayer:
        return Replayer(self.outbox, self.inner, self.guard, clock=self.clock)

    def write(self, operation: Any, *, table: str = "experiments", **more: Any) -> QueryResult:
        """Write as the use cases do."""

        def ask() -> QueryResult:
            result = self.database.execute_query(table, operation, **more)
            rows(result)
            return result

        answer: QueryResult = self.stored.call(ask)
        return answer

    def insert(self, **changes: Any) -> dict[str, Any]:
        row = experiment(**changes)
        self.write("insert", data=row)
        return row

    def change(self, row: dict[str, Any], **changes: Any) -> QueryResult:
        filters = [{"column": "user_id", "value": row["user_id"]}, {"column": "id", "value": row["id"]}]
        return self.write("update", filters=filters, data=changes)

    def stored_rows(self) -> list[dict[str, Any]]:
        order = [{"column": "created_at"}, {"column": "name"}]
        return rows(self.inner.execute_query("experiments", "select", order=order))

    def names(self) -> list[str]:
        return [row["name"] for row in self.stored_rows()]

    def close(self) -> None:
        self.database.close()
