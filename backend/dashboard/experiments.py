"""Experiments: create, read, change, list. Everybody works on their own; who may see all says so."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from backend.cache.service import CacheService
from backend.dashboard.paging import Page, next_cursor, page_of
from backend.errors import NotFoundError, ValidationError
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
from backend.storage.database import Database, Filter, QueryResult, Row, count, rows

logger = logging.getLogger("jupiter.data")

TABLE = "experiments"


def experiments_tag(user_id: str) -> str:
    """Return the cache's tag of everything that is computed from a person's experiments."""
    return f"experiments:{user_id}"


class ExperimentService:
    """The use cases about experiments.

    Args:
        database: where they are.
        guard: of the database.
        cache: where what is computed from them is; a change invalidates it before anybody is told.
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
        clock: Clock = SYSTEM_CLOCK,
        id_factory: Callable[[], str] = lambda: str(uuid.uuid4()),
        listeners: Listeners | None = None,
        rules: ExperimentRules = DEFAULT_RULES,
    ) -> None:
        self._database = database
        self._guard = guard
        self._cache = cache
        self._clock = clock
        self._id_factory = id_factory
        self._listeners = listeners if listeners is not None else Listeners()
        self._rows = ExperimentRows(rules)
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
        self._ask("upsert", data=row)  # by id: an attempt whose answer was lost can be made again
        self._changed(user_id, "created", row["id"])
        return row

    def get(self, user_id: str, experiment_id: str, *, all_users: bool = False) -> Row:
        """Return an experiment.

        Raises:
            NotFoundError: there is none, or none that this person may see.
            DatabaseError: it could not be read.
        """
        found = rows(self._ask("select", filters=_one(user_id, experiment_id, all_users), limit=1))
        return self._only(found, experiment_id)

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
        wanted["updated_at"] = utc_iso(self._clock.now())
        found = rows(self._ask("update", filters=_one(user_id, experiment_id, all_users), data=wanted))
        changed = self._only(found, experiment_id)
        self._changed(changed["user_id"], "updated", changed["id"])
        return changed

    def list(self, user_id: str, query: Mapping[str, Any] | None = None, *, all_users: bool = False) -> dict[str, Any]:
        """Return a page of experiments: experiments, count, total, next_cursor, invalid_rows.

        Args:
            query: type, status, search, sort, limit, cursor; see `ExperimentQuerySchema`.
            all_users: list everybody's.

        Raises:
            ValidationError: the query is wrong.
            DatabaseError: they could not be read.
        """
        wanted = load(self._query, query or {})
        filters = _filters(user_id, wanted, all_users)
        page = page_of(wanted["sort"], wanted.get("cursor"))
        found, total = self._guard.call(self._read_page, filters, page, wanted["limit"])
        shown = found[: wanted["limit"]]
        valid, invalid = self._rows.check(shown)
        return {
            "experiments": valid,
            "count": len(valid),
            "total": total,
            "next_cursor": next_cursor(wanted["sort"], shown[-1]) if len(found) > len(shown) else None,
            "invalid_rows": invalid,
        }

    def _read_page(self, filters: tuple[Filter, ...], page: Page, limit: int) -> tuple[Any, int]:
        total = count(self._database.execute_query(TABLE, "count", filters=filters))
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

    def _changed(self, owner: str, what: str, experiment_id: str) -> None:
        logger.info("✅ Experiment %s %s", experiment_id, what, extra={"user_id": owner})
        if self._cache is not None:
            self._cache.invalidate_tag(experiments_tag(owner))
        self._listeners.notify(owner)


def _one(user_id: str, experiment_id: str, all_users: bool) -> tuple[Filter, ...]:
    try:
        known = str(uuid.UUID(experiment_id))
    except (ValueError, TypeError, AttributeError):
        raise NotFoundError("there is no experiment with such an id") from None
    return (*_owned(user_id, all_users), {"column": "id", "value": known})


def _owned(user_id: str, all_users: bool) -> tuple[Filter, ...]:
    return () if all_users else ({"column": "user_id", "value": user_id},)


def _filters(user_id: str, query: Mapping[str, Any], all_users: bool) -> tuple[Filter, ...]:
    filters: tuple[Filter, ...] = _owned(user_id, all_users)
    for name, column in (("type", "experiment_type"), ("status", "status")):
        if name in query:
            filters = (*filters, {"column": column, "value": query[name]})
    if query.get("search"):
        escaped = query["search"].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        somewhere = [
            [{"column": column, "operator": "ilike", "value": f"%{escaped}%"}] for column in ("name", "description")
        ]
        filters = (*filters, {"any_of": somewhere})
    return filters
