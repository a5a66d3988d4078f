"""Taking experiments in by the file: row by row, each accepted or skipped with its reason.

With ids given, the same file taken in twice changes nothing: a row whose id exists is skipped.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from marshmallow import ValidationError as SchemaError

from backend import runtime
from backend.dashboard.experiments.service import TABLE, ExperimentService, is_away
from backend.errors import ConflictError, DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.schemas.experiments import ExperimentImportSchema
from backend.schemas.text import single_line
from backend.schemas.times import utc_iso
from backend.storage.database import Database, QueryResult, Row, rows

logger = logging.getLogger("jupiter.data")

CHUNK = 100
EXISTS = "An experiment of this id exists already."
TWICE = "This id stands in the file already."


@dataclass
class _Report:
    """What became of each row so far."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    queued: int = 0

    def accept(self, number: int, row: Row, *, queued: bool) -> None:
        self.rows.append({"row": number, "outcome": "accepted", "id": row["id"]})
        self.queued += queued

    def skip(self, number: int, reason: str) -> None:
        self.rows.append({"row": number, "outcome": "skipped", "reason": reason})

    def payload(self) -> dict[str, Any]:
        accepted = sum(row["outcome"] == "accepted" for row in self.rows)
        told = {"total": len(self.rows), "accepted": accepted, "skipped": len(self.rows) - accepted}
        queued = {"queued": self.queued} if self.queued else {}
        return told | queued | {"rows": sorted(self.rows, key=lambda row: row["row"])}


class ExperimentImport:
    """Takes experiments in.

    Args:
        experiments: told when it is done, so that the owner's sockets learn of it once.
        database, guard: where they go.
    """

    def __init__(
        self,
        experiments: ExperimentService,
        database: Database,
        guard: Guard,
        *,
        clock: Clock = SYSTEM_CLOCK,
        id_factory: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._experiments = experiments
        self._database = database
        self._guard = guard
        self._clock = clock
        self._id_factory = id_factory
        self._schema = ExperimentImportSchema(rules=experiments.rules)

    def run(self, user_id: str, found: Iterable[Any]) -> dict[str, Any]:
        """Take in what was found in a file; see `ImportReportSchema`.

        Raises:
            DashboardError: the file itself is wrong, wherever; nothing of it is taken in.
        """
        chunks = [*_chunks(enumerate(found, 1))]  # whole: what is refused in the middle would have no report
        report = _Report()
        seen: set[str] = set()
        try:
            for chunk in chunks:
                self._take(user_id, chunk, seen, report)
        finally:
            if any(row["outcome"] == "accepted" for row in report.rows):
                self._experiments.changed(user_id, "imported")
        return report.payload()

    def _take(self, user_id: str, chunk: list[tuple[int, Any]], seen: set[str], report: _Report) -> None:
        valid = [(number, row) for number, given in chunk if (row := self._row(user_id, number, given, report))]
        taken = self._taken([row["id"] for _, row in valid])
        fresh = []
        for number, row in valid:
            if row["id"] in taken or row["id"] in seen:
                report.skip(number, TWICE if row["id"] in seen else EXISTS)
            else:
                seen.add(row["id"])
                fresh.append((number, row))
        if fresh:
            self._store(fresh, report)

    def _row(self, user_id: str, number: int, given: Any, report: _Report) -> Row | None:
        try:
            row: Row = self._schema.load(given)
        except SchemaError as error:
            report.skip(number, _reason(error))
            return None
        now = utc_iso(self._clock.now())
        created = row["created_at"] or now
        stamps = {"created_at": created, "updated_at": row["updated_at"] or max(created, now)}
        kept = {name: row[name] for name in ("name", "description", "experiment_type", "status", "parameters")}
        return {"id": row["id"] or self._id_factory(), "user_id": user_id} | kept | stamps

    def _taken(self, ids: list[str]) -> set[str]:
        """Return which ids exist; none where the database is away: a row that it has is then left as it is, later."""
        filters = [{"column": "id", "operator": "in", "value": ids}]
        try:
            found = self._guard.call(
                lambda: rows(self._database.execute_query(TABLE, "select", columns="id", filters=filters))
            )
        except DashboardError as error:
            if not is_away(error):
                raise
            return set()
        return {row["id"] for row in found}

    def _store(self, fresh: list[tuple[int, Row]], report: _Report) -> None:
        try:
            result = self._insert([row for _, row in fresh])
        except ConflictError:
            if len(fresh) == 1:
                report.skip(fresh[0][0], EXISTS)
            else:  # somebody was faster with one of them
                for each in fresh:
                    self._store([each], report)
        except DashboardError as error:
            for number, _ in fresh:
                report.skip(number, error.message)
        else:
            for number, row in fresh:
                report.accept(number, row, queued=bool(result.get("queued")))

    def _insert(self, data: list[Row]) -> QueryResult:
        def ask() -> QueryResult:
            result = self._database.execute_query(TABLE, "insert", data=data)
            rows(result)
            return result

        answer: QueryResult = self._guard.call(ask)
        return answer


def _chunks(found: Iterator[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    while chunk := list(islice(found, CHUNK)):
        runtime.sleep(0)  # a long file is not to hold everybody else
        yield chunk


def _reason(error: SchemaError) -> str:
    told = [f"{name}: {' '.join(map(str, _texts(faults)))}" for name, faults in error.messages_dict.items()]
    return single_line("; ".join(told)[:300])


def _texts(faults: Any) -> list[str]:
    if isinstance(faults, dict):
        return [text for inner in faults.values() for text in _texts(inner)]
    return [str(each) for each in faults] if isinstance(faults, list) else [str(faults)]
