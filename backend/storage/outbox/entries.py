"""A write that waits: about one record, addressed by its id, so that doing it twice is doing it once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from backend.errors import ValidationError
from backend.storage.conditions import conditions
from backend.storage.database import Filter, Row
from backend.storage.tables import columns_of, kind_of
from backend.storage.values import checked

State = Literal["pending", "set_aside"]
OWNER = "user_id"
DELETED = "deleted_at"
# What may wait, and how. Not who may come in: a change of that which is accepted but not in force would be a lie. Not
# scans and findings: their files are kept and read again, and a hundred thousand findings would leave no room.
_NEW = frozenset(("insert", "upsert"))
_ALL = _NEW | {"update", "delete"}
KEPT: Mapping[str, frozenset[str]] = {
    "experiments": _ALL,
    "conversations": _ALL,
    "messages": _ALL,
    "audit_log": _NEW,
    "alerts": _NEW,
}
# A change on any other condition is a question to the database (is it still so?), and nobody else can answer that.
_ADDRESS = frozenset(("id", OWNER, DELETED))


@dataclass(frozen=True, slots=True)
class Write:
    """One write to one record; `owner` is the person whose record it is, empty where the write does not say."""

    table: str
    operation: str
    record_id: str
    owner: str
    data: Row | None
    filters: tuple[Filter, ...] = ()

    def request(self) -> bytes:
        """Return what is kept of it, as JSON."""
        return orjson.dumps({"data": self.data, "filters": self.filters}, default=_plain)

    def row(self) -> Row:
        """Return the record as far as the write tells it."""
        known = {one["column"]: one["value"] for one in self.filters if _is_equality(one)}
        return known | (self.data or {})


@dataclass(frozen=True, slots=True)
class Entry:
    """A write in the outbox."""

    seq: int
    id: str
    write: Write
    state: State
    attempts: int
    error: str | None
    queued_at: str
    tried_at: str | None


def writes_of(
    table: str, operation: str, filters: Sequence[Filter], data: Row | Sequence[Row] | None
) -> tuple[Write, ...]:
    """Return an operation as writes to single records; nothing where it is a read, or one that may not wait.

    Raises:
        ValidationError: a name or value that this table does not have.
    """
    columns_of(table)
    if operation not in KEPT.get(table, ()):
        return ()
    if operation in {"insert", "upsert"}:
        given = [data] if isinstance(data, dict) else list(data or ())
        rows = [_encoded(table, row) for row in given]
        if not rows or not all(isinstance(row.get("id"), str) for row in rows):
            return ()
        return tuple(Write(table, operation, row["id"], _text(row.get(OWNER)), row) for row in rows)
    if operation in {"update", "delete"}:
        return _by_id(table, operation, filters, data if isinstance(data, dict) else None)
    return ()


def _by_id(table: str, operation: str, filters: Sequence[Filter], data: Row | None) -> tuple[Write, ...]:
    conditions(table, filters)
    if not all(one.get("column") in _ADDRESS for one in filters):
        return ()
    named = {one["column"]: one["value"] for one in filters if _is_equality(one)}
    if not isinstance(named.get("id"), str) or (operation == "update") != bool(data):
        return ()
    changes = _encoded(table, data) if data else None
    return (Write(table, operation, named["id"], _text(named.get(OWNER)), changes, tuple(filters)),)


def _encoded(table: str, row: Row) -> Row:
    if not isinstance(row, dict):
        raise ValidationError("a row is not a mapping")
    return {name: checked(kind_of(table, name), name, value) for name, value in row.items()}


def _is_equality(one: Filter) -> bool:
    return "column" in one and one.get("operator", "eq") == "eq"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, set | frozenset | tuple) else str(value)
