"""Experiments: create, read, change, delete, restore, list. Everybody works on their own; who may see all says so.

While the database is away, changes are taken by the outbox (rows are then marked `queued`), and what is read is what
is still known with those changes laid over it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from backend.cache.service import CacheService
from backend.dashboard.experiments.queries import ALIVE, Filters, chosen, fits, in_order, known_id, one
from backend.dashboard.experiments.queued import AWAY, TABLE, QueuedExperiments, Waiting, overlay
from backend.dashboard.paging import Page, next_cursor, page_of
from backend.errors import (
    CircuitBreakerOpenError,
    DashboardError,
    DatabaseError,
    DeadlineExceededError,
    NetworkError,
    NotFoundError,
    ValidationError,
)
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import Listeners
from backend.resilience.guard import Guard
from backend.schemas.experiments import (
    DEFAULT_RULES,
    ExperimentCreateSchema,
    ExperimentPatchSchema,
    ExperimentQuerySchema,
    ExperimentRules,
)
from backend.schemas.loading import load
from backend.schemas.rows import ExperimentRows
from backend.schemas.times import utc_iso
from backend.storage.database import Database, QueryResult, Row, count, rows

__all__ = ["TABLE", "ExperimentService", "experiments_tag"]

logger = logging.getLogger("jupiter.data")

RESTORABLE = timedelta(days=30)
Found = list[Row]
_AWAY = (DatabaseError, NetworkError, DeadlineExceededError, CircuitBreakerOpenError)


def experiments_tag(user_id: str) -> str:
    """Return the cache's tag of everything that is computed from a person's experiments."""
    return f"experiments:{user_id}"


class ExperimentService:
    """The use cases about experiments.

    Args:
        database: where they are.
        guard: of the database.
        cache: where what is computed from them is; a change invalidates it before anybody is told.
        waiting: the outbox, for rows that the database does not have yet.
        id_factory: makes the ids.
        listeners: told of each change, as the owner's user id.
        rules: which types and statuses there are.
    """

    def __init__(
        self,
        database: Database,
        guard: Guard,
        *,
        cache: CacheService | None = None,
        waiting: Waiting | None = None,
        clock: Clock = SYSTEM_CLOCK,
        id_factory: Callable[[], str] = lambda: str(uuid.uuid4()),
        listeners: Listeners | None = None,
        rules: ExperimentRules = DEFAULT_RULES,
    ) -> None:
        self.rules = rules
        self._database = database
        self._guard = guard
        self._cache = cache
        self._clock = clock
        self._id_factory = id_factory
        self._listeners = listeners if listeners is not None else Listeners()
        self._rows = ExperimentRows(rules)
        self._queued = QueuedExperiments(waiting, cache, self._rows)
        self._create = ExperimentCreateSchema(rules=rules)
        self._patch = ExperimentPatchSchema(rules=rules)
        self._query = ExperimentQuerySchema(rules=rules)

    def subscribe(self, callback: Callable[[str], object]) -> Callable[[], None]:
        """Call `callback` with the owner's user id after each change; returns the function that ends it."""
        return self._listeners.subscribe(callback)

    def create(self, user_id: str, data: Any) -> Row:
        """Create an experiment of `user_id` and return it.

        Raises:
            ValidationError: the data is wrong.
            DatabaseError: it could not be stored.
        """
        now = utc_iso(self._clock.now())
        stamps = {"created_at": now, "updated_at": now}
        row = {"id": self._id_factory(), "user_id": user_id} | load(self._create, data) | stamps
        result = self._ask("upsert", data=row)  # by id: an attempt whose answer was lost can be made again
        self.changed(user_id, "created", row["id"])
        return self._only([row], row["id"]) | _mark(result)

    def get(self, user_id: str, experiment_id: str, *, all_users: bool = False) -> Row:
        """Return an experiment.

        Raises:
            NotFoundError: there is none, or none that this person may see.
            DatabaseError: it could not be read.
        """
        wanted = known_id(experiment_id)
        try:
            found = rows(self._ask("select", filters=(*one(user_id, wanted, all_users), ALIVE), limit=1))
        except _AWAY:
            found = self._still_known(user_id, wanted)
            if not found:
                raise
        else:
            found = overlay(found, self._queued.of_record(wanted))
        there = [row for row in found if _may_see(row, user_id, all_users) and not row.get("deleted_at")]
        return self._only(there, wanted)

    def update(self, user_id: str, experiment_id: str, changes: Any, *, all_users: bool = False) -> Row:
        """Change the given fields of an experiment and return it.

        Raises:
            ValidationError: a change is wrong, or there is none.
            NotFoundError: there is no such experiment, or none that this person may change.
            DatabaseError: it could not be stored.
        """
        wanted = load(self._patch, changes)
        if not wanted:
            raise ValidationError("nothing to change", details={"_schema": ["Name at least one field."]})
        return self._change(user_id, experiment_id, wanted, (ALIVE,), "updated", all_users=all_users)

    def delete(self, user_id: str, experiment_id: str, *, all_users: bool = False) -> Row:
        """Delete an experiment so that it can be restored for 30 days, and return it.

        Raises:
            NotFoundError: there is no such experiment, or none that this person may delete.
            DatabaseError: it could not be stored.
        """
        gone = {"deleted_at": utc_iso(self._clock.now())}
        return self._change(user_id, experiment_id, gone, (ALIVE,), "deleted", all_users=all_users)

    def restore(self, user_id: str, experiment_id: str, *, all_users: bool = False) -> Row:
        """Bring back an experiment that was deleted in the last 30 days, and return it.

        Raises:
            NotFoundError: there is no such deleted experiment, or none that this person may restore.
            DatabaseError: it could not be stored.
        """
        lately = {"column": "deleted_at", "operator": "gte", "value": utc_iso(self._clock.now() - RESTORABLE)}
        back = {"deleted_at": None}
        return self._change(user_id, experiment_id, back, (lately,), "restored", all_users=all_users)

    def list(self, user_id: str, query: Mapping[str, Any] | None = None, *, all_users: bool = False) -> dict[str, Any]:
        """Return a page of experiments; see `ExperimentListSchema`.

        Args:
            query: see `ExperimentQuerySchema`.
            all_users: list everybody's.

        Raises:
            ValidationError: the query is wrong.
            DatabaseError: they could not be read, and nothing is known of them.
        """
        wanted = load(self._query, query or {})
        page = page_of(wanted["sort"], wanted.get("cursor"))
        entries = self._queued.of_owner(user_id, all_users)
        try:
            found, total = self._guard.call(
                self._read_page, chosen(user_id, wanted, all_users), page, wanted["limit"], counted=True
            )
        except _AWAY:
            return self._known_page(user_id, wanted, entries)
        shown = found[: wanted["limit"]]
        more = next_cursor(wanted["sort"], shown[-1]) if len(found) > len(shown) else None
        answer = self._page(shown, wanted, entries, first=not page.filters)
        return answer | {"total": max(total, answer["count"]), "next_cursor": more}

    def page(
        self, user_id: str, wanted: Mapping[str, Any], cursor: str | None, *, all_users: bool, size: int = 500
    ) -> tuple[Found, str | None]:
        """Return rows for an export, and where the next ones begin.

        Args:
            wanted: a loaded query; see `ExperimentFilterSchema`.

        Raises:
            DatabaseError: they could not be read.
        """
        page = page_of(wanted["sort"], cursor)
        found, _ = self._guard.call(self._read_page, chosen(user_id, wanted, all_users), page, size, counted=False)
        shown = found[:size]
        entries = self._queued.of_owner(user_id, all_users)
        answer = self._page(shown, wanted, entries, first=cursor is None)
        more = next_cursor(wanted["sort"], shown[-1]) if len(found) > len(shown) else None
        return answer["experiments"], more

    def changed(self, owner: str, what: str, experiment_id: str = "") -> None:
        """Outdate what is computed of a person's experiments, and tell about it."""
        logger.info("✅ Experiment %s %s", experiment_id, what, extra={"user_id": owner})
        if self._cache is not None:
            self._cache.invalidate_tag(experiments_tag(owner))
        self._listeners.notify(owner)

    def _page(
        self, shown: Found, wanted: Mapping[str, Any], entries: Any, *, first: bool, known: bool = False
    ) -> dict[str, Any]:
        """Check rows, with what waits laid over them; what is new comes on the first page.

        Args:
            known: the rows are all that are known, not those that the database has chosen.
        """
        if entries:
            there = {row["id"] for row in shown}
            laid = [row for row in overlay(shown, entries) if first or row["id"] in there]
            shown = in_order(laid, wanted["sort"])
        valid, invalid = self._rows.check(shown)
        if entries or known:
            valid = [row for row in valid if fits(wanted)(row)]
        answer = {"experiments": valid, "count": len(valid), "invalid_rows": invalid} | self._kinds()
        return answer | ({"queued": len(entries)} if entries else {})

    def _known_page(self, user_id: str, wanted: Mapping[str, Any], entries: Any) -> dict[str, Any]:
        """Return what is known without the database, as one page.

        Raises:
            DashboardError: the one being handled, where nothing is known.
        """
        kept = self._queued.kept(user_id)
        if not kept and not entries:
            raise  # noqa: PLE0704 - called where the database's error is handled
        answer = self._page(in_order(kept, wanted["sort"]), wanted, entries, first=True, known=True)
        answer["experiments"] = answer["experiments"][: wanted["limit"]]
        answer["count"] = len(answer["experiments"])
        return (
            answer
            | {"total": answer["count"], "next_cursor": None, "stale": True, "message": AWAY}
            | self._queued.age(user_id)
        )

    def _still_known(self, user_id: str, experiment_id: str) -> Found:
        kept = [row for row in self._queued.kept(user_id) if row["id"] == experiment_id]
        return overlay(kept, self._queued.of_record(experiment_id))

    def _change(
        self, user_id: str, experiment_id: str, wanted: Row, state: Filters, what: str, *, all_users: bool
    ) -> Row:
        wanted["updated_at"] = utc_iso(self._clock.now())
        result = self._ask("update", filters=(*one(user_id, experiment_id, all_users), *state), data=wanted)
        if result.get("queued"):
            return self._will_be(user_id, known_id(experiment_id), result["data"], what, all_users=all_users)
        changed = self._only(rows(result), experiment_id)
        self.changed(changed["user_id"], what, changed["id"])
        return changed

    def _will_be(self, user_id: str, experiment_id: str, told: Any, what: str, *, all_users: bool) -> Row:
        """Return an experiment whose change waits: whole where it is known, else what the change tells."""
        kept = [row for row in self._queued.kept(user_id) if row["id"] == experiment_id]
        known = overlay(kept, self._queued.of_record(experiment_id))
        seen = [row for row in known if _may_see(row, user_id, all_users)]
        row = seen[0] if seen else dict(told[0])
        self.changed(str(row.get("user_id") or user_id), what, experiment_id)
        valid, _ = self._rows.check([row]) if "name" in row else ([], 0)
        return (valid[0] if valid else row) | {"queued": True}

    def _read_page(self, filters: Filters, page: Page, limit: int, *, counted: bool) -> tuple[Any, int]:
        total = count(self._database.execute_query(TABLE, "count", filters=filters)) if counted else 0
        read = self._database.execute_query(
            TABLE, "select", filters=(*filters, *page.filters), order=page.order, limit=limit + 1
        )
        return rows(read), total

    def _ask(self, operation: Any, **details: Any) -> QueryResult:
        def ask() -> QueryResult:
            result = self._database.execute_query(TABLE, operation, **details)
            rows(result)  # raises what the guard counts
            return result

        answer: QueryResult = self._guard.call(ask)
        return answer

    def _only(self, found: Any, experiment_id: str) -> Row:
        valid, _ = self._rows.check(found)
        if not valid:
            raise NotFoundError(f"there is no experiment {experiment_id}")
        return valid[0]

    def _kinds(self) -> dict[str, Any]:
        return {"types": list(self.rules.types), "statuses": list(self.rules.statuses)}


def _mark(result: QueryResult) -> Row:
    return {"queued": True} if result.get("queued") else {}


def _may_see(row: Row, user_id: str, all_users: bool) -> bool:
    return all_users or row.get("user_id") == user_id


def is_away(error: DashboardError) -> bool:
    """Tell whether an error means that the database cannot be asked at the moment."""
    return isinstance(error, _AWAY)
