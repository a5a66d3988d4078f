"""Which experiments are meant, in the language of the database, and in Python for those it does not have yet."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from backend.errors import NotFoundError
from backend.storage.database import Filter, Row

Filters = tuple[Filter, ...]
ALIVE: Filter = {"column": "deleted_at", "operator": "is", "value": None}


def one(user_id: str, experiment_id: str, all_users: bool) -> Filters:
    """Return the filters that find an experiment by its id.

    Raises:
        NotFoundError: that is no id.
    """
    return (*owned(user_id, all_users), {"column": "id", "value": known_id(experiment_id)})


def known_id(experiment_id: str) -> str:
    """Return an id in its one spelling.

    Raises:
        NotFoundError: that is no id.
    """
    try:
        return str(uuid.UUID(experiment_id))
    except (ValueError, TypeError, AttributeError):
        raise NotFoundError("there is no experiment with such an id") from None


def owned(user_id: str, all_users: bool) -> Filters:
    """Return the filters that find a person's own, or everybody's."""
    return () if all_users else ({"column": "user_id", "value": user_id},)


def chosen(user_id: str, query: Mapping[str, Any], all_users: bool) -> Filters:
    """Return the filters of a loaded query; see `ExperimentFilterSchema`."""
    filters: Filters = owned(user_id, all_users)
    if query.get("deleted"):
        # a comparison is false for null, so this finds what has a time of deletion
        filters = (*filters, {"column": "deleted_at", "operator": "gte", "value": "0001-01-01T00:00:00Z"})
    else:
        filters = (*filters, ALIVE)
    for name, column, operator in _COMPARED:
        if name in query:
            filters = (*filters, {"column": column, "operator": operator, "value": query[name]})
    if query.get("search"):
        escaped = query["search"].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        somewhere = [[{"column": column, "operator": "ilike", "value": f"%{escaped}%"}] for column in _SEARCHED]
        filters = (*filters, {"any_of": somewhere})
    return filters


_SEARCHED = ("name", "description")
_COMPARED = (
    ("type", "experiment_type", "eq"),
    ("status", "status", "eq"),
    ("created_from", "created_at", "gte"),
    ("created_to", "created_at", "lt"),
)


def fits(query: Mapping[str, Any]) -> Callable[[Row], bool]:
    """Return what tells whether a row is among those that a loaded query finds."""

    def check(row: Row) -> bool:
        found = bool(row.get("deleted_at")) == bool(query.get("deleted"))
        found = found and all(query.get(name, row[column]) == row[column] for name, column, _ in _COMPARED[:2])
        found = found and query.get("created_from", "") <= row["created_at"]
        found = found and ("created_to" not in query or row["created_at"] < query["created_to"])
        wanted = query.get("search", "").casefold()
        return found and any(wanted in str(row.get(column) or "").casefold() for column in _SEARCHED)

    return check


def in_order(rows: list[Row], sort: str) -> list[Row]:
    """Return rows in the order that `sort` names; the id decides between equals."""
    column = sort.removeprefix("-")
    return sorted(rows, key=lambda row: (str(row.get(column) or ""), row["id"]), reverse=sort.startswith("-"))
