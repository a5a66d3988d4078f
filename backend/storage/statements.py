"""SQL for one operation: names out of the table's own columns, values always as parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from backend.errors import ValidationError
from backend.storage.conditions import AnyOf, Comparison, Condition, check_page, conditions, names, sorting
from backend.storage.database import Filter, Order, Row
from backend.storage.patterns import glob
from backend.storage.searches import sqlite_match
from backend.storage.tables import kind_of
from backend.storage.values import encode

_COMPARISONS = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_IS = {None: "NULL", True: "TRUE", False: "FALSE"}


class Statement(NamedTuple):
    """SQL and the values for its question marks."""

    sql: str
    values: tuple[Any, ...] = ()


def select(
    table: str,
    columns: str,
    filters: Sequence[Filter],
    *,
    order: Sequence[Order] = (),
    limit: int | None = None,
    offset: int = 0,
) -> Statement:
    """Return the statement that reads rows."""
    shown = ", ".join(names(table, columns))
    where = _where(table, filters)
    tail = _order(table, order) + _page(limit, offset)
    return Statement(f"SELECT {shown} FROM {table}{where.sql}{tail}", where.values)  # noqa: S608 - checked names


def count(table: str, columns: str, filters: Sequence[Filter]) -> Statement:
    """Return the statement that counts rows, grouped by `columns` unless that is `*`."""
    where = _where(table, filters)
    if columns == "*":
        return Statement(f"SELECT count(*) AS count FROM {table}{where.sql}", where.values)  # noqa: S608 - checked names
    groups = ", ".join(names(table, columns))
    sql = f"SELECT {groups}, count(*) AS count FROM {table}{where.sql} GROUP BY {groups} ORDER BY {groups}"  # noqa: S608
    return Statement(sql, where.values)


def insert(table: str, row: Row, *, replace: bool = False) -> Statement:
    """Return the statement that adds a row; with `replace`, one that updates the row of the same id."""
    if not row:
        raise ValidationError("a row needs at least one column")
    values = tuple(encode(kind_of(table, name), name, value) for name, value in row.items())
    given = ", ".join(row)
    conflict = _on_conflict(row) if replace else ""
    marks = ", ".join("?" * len(row))
    return Statement(f"INSERT INTO {table} ({given}) VALUES ({marks}){conflict} RETURNING *", values)  # noqa: S608


def _on_conflict(row: Row) -> str:
    if "id" not in row:
        raise ValidationError("upsert needs the row's id")
    changes = ", ".join(f"{name} = excluded.{name}" for name in row if name != "id") or "id = excluded.id"
    return f" ON CONFLICT (id) DO UPDATE SET {changes}"


def update(table: str, row: Row, filters: Sequence[Filter]) -> Statement:
    """Return the statement that changes the rows found."""
    if not row or not filters:
        raise ValidationError("update needs the columns to change and filters")
    values = tuple(encode(kind_of(table, name), name, value) for name, value in row.items())
    changes = ", ".join(f"{name} = ?" for name in row)
    where = _where(table, filters)
    return Statement(f"UPDATE {table} SET {changes}{where.sql} RETURNING *", values + where.values)  # noqa: S608


def delete(table: str, filters: Sequence[Filter]) -> Statement:
    """Return the statement that removes the rows found."""
    if not filters:
        raise ValidationError("delete needs filters")
    where = _where(table, filters)
    return Statement(f"DELETE FROM {table}{where.sql} RETURNING *", where.values)  # noqa: S608 - checked names


def _where(table: str, filters: Sequence[Filter]) -> Statement:
    checked = conditions(table, filters)
    if not checked:
        return Statement("")
    joined = _all(checked)
    return Statement(f" WHERE {joined.sql}", joined.values)


def _all(checked: Sequence[Condition]) -> Statement:
    return _join(" AND ", [_condition(one) for one in checked])


def _join(word: str, parts: Sequence[Statement]) -> Statement:
    return Statement(word.join(part.sql for part in parts), tuple(value for part in parts for value in part.values))


def _condition(one: Condition) -> Statement:
    if isinstance(one, AnyOf):
        joined = _join(" OR ", [_all(group) for group in one.groups])
        return Statement(f"({joined.sql})", joined.values)
    return _comparison(one)


def _comparison(one: Comparison) -> Statement:
    column, value = one.column, one.value
    if one.operator == "is":
        return Statement(f"{column} IS {_IS[value]}")
    if one.operator == "search":
        found = f"SELECT rowid FROM {column} WHERE {column} MATCH ?"  # noqa: S608 - the name of an index of ours
        return Statement(f"id IN (SELECT id FROM {column}_places WHERE place IN ({found}))", (sqlite_match(value),))  # noqa: S608
    if one.operator == "in":
        return Statement(f"{column} IN ({', '.join('?' * len(value))})", value)
    if one.operator == "like":  # SQLite's own LIKE ignores case, GLOB does not
        return Statement(f"{column} GLOB ?", (glob(value),))
    if one.operator == "ilike" and value.isascii():
        return Statement(f"{column} LIKE ? ESCAPE '\\'", (value,))
    if one.operator == "ilike":  # LIKE folds the case of ASCII only; `casefold` is the connection's own function
        return Statement(f"casefold({column}) LIKE ? ESCAPE '\\'", (value.casefold(),))
    return Statement(f"{column} {_COMPARISONS[one.operator]} ?", (value,))


def _order(table: str, order: Sequence[Order]) -> str:
    terms = [f"{column} {'DESC' if descending else 'ASC'}" for column, descending in sorting(table, order)]
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _page(limit: int | None, offset: int) -> str:
    check_page(limit, offset)
    if limit is None and not offset:
        return ""
    return f" LIMIT {-1 if limit is None else limit:d} OFFSET {offset:d}"
