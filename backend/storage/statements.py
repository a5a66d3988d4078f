"""SQL for one operation: names out of the table's own columns, values always as parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from backend.errors import ValidationError
from backend.storage.database import Filter, Order, Row
from backend.storage.tables import columns_of, kind_of
from backend.storage.values import encode

MAX_IN = 500
MAX_DEPTH = 3
MAX_ROWS = 1_000_000_000
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
    names = ", ".join(_names(table, columns))
    where = _where(table, filters)
    tail = _order(table, order) + _page(limit, offset)
    return Statement(f"SELECT {names} FROM {table}{where.sql}{tail}", where.values)  # noqa: S608 - checked names


def count(table: str, columns: str, filters: Sequence[Filter]) -> Statement:
    """Return the statement that counts rows, grouped by `columns` unless that is `*`."""
    where = _where(table, filters)
    if columns == "*":
        return Statement(f"SELECT count(*) AS count FROM {table}{where.sql}", where.values)  # noqa: S608 - checked names
    names = ", ".join(_names(table, columns))
    sql = f"SELECT {names}, count(*) AS count FROM {table}{where.sql} GROUP BY {names} ORDER BY {names}"  # noqa: S608
    return Statement(sql, where.values)


def insert(table: str, row: Row, *, replace: bool = False) -> Statement:
    """Return the statement that adds a row; with `replace`, one that updates the row of the same id."""
    if not row:
        raise ValidationError("a row needs at least one column")
    values = tuple(encode(kind_of(table, name), name, value) for name, value in row.items())
    names = ", ".join(row)
    conflict = _on_conflict(row) if replace else ""
    marks = ", ".join("?" * len(row))
    return Statement(f"INSERT INTO {table} ({names}) VALUES ({marks}){conflict} RETURNING *", values)  # noqa: S608


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


def _names(table: str, columns: str) -> list[str]:
    known = columns_of(table)
    if columns == "*":
        return list(known)
    names = [name.strip() for name in columns.split(",")]
    for name in names:
        kind_of(table, name)
    return names


def _where(table: str, filters: Sequence[Filter]) -> Statement:
    columns_of(table)
    if not filters:
        return Statement("")
    joined = _all(table, filters, 0)
    return Statement(f" WHERE {joined.sql}", joined.values)


def _all(table: str, filters: Sequence[Filter], depth: int) -> Statement:
    return _join(" AND ", [_condition(table, one, depth) for one in filters])


def _join(word: str, parts: Sequence[Statement]) -> Statement:
    if not parts:
        raise ValidationError("a list of filters is empty")
    return Statement(word.join(part.sql for part in parts), tuple(value for part in parts for value in part.values))


def _condition(table: str, one: Filter, depth: int) -> Statement:
    if not isinstance(one, Mapping) or depth > MAX_DEPTH:
        raise ValidationError("a filter is not a mapping, or too deep")
    if "any_of" in one:
        joined = _join(" OR ", [_all(table, group, depth + 1) for group in one["any_of"]])
        return Statement(f"({joined.sql})", joined.values)
    if "column" not in one or "value" not in one:
        raise ValidationError("a filter needs column and value")
    column, operator, value = one["column"], one.get("operator", "eq"), one["value"]
    kind = kind_of(table, column)
    if operator in _COMPARISONS:
        return Statement(f"{column} {_COMPARISONS[operator]} ?", (encode(kind, column, value),))
    if operator in _SPECIAL:
        return _SPECIAL[operator](table, column, value)
    raise ValidationError(f"there is no operator {operator!r}")


def _in(table: str, column: str, value: Any) -> Statement:
    if not isinstance(value, list | tuple | set | frozenset) or len(value) > MAX_IN:
        raise ValidationError(f"in takes a list of at most {MAX_IN} values")
    if not value:
        return Statement("0")
    kind = kind_of(table, column)
    return Statement(f"{column} IN ({', '.join('?' * len(value))})", tuple(encode(kind, column, one) for one in value))


def _is(_table: str, column: str, value: Any) -> Statement:
    if value is not None and not isinstance(value, bool):
        raise ValidationError("is takes null, true or false")
    return Statement(f"{column} IS {_IS[value]}")


def _like(_table: str, column: str, value: Any) -> Statement:
    # SQLite's own LIKE ignores case, GLOB does not.
    return Statement(f"{column} GLOB ?", (_glob(_pattern(value)),))


def _ilike(_table: str, column: str, value: Any) -> Statement:
    # SQLite's LIKE folds the case of ASCII only; `casefold` is the connection's own function.
    pattern = _pattern(value)
    if pattern.isascii():
        return Statement(f"{column} LIKE ? ESCAPE '\\'", (pattern,))
    return Statement(f"casefold({column}) LIKE ? ESCAPE '\\'", (pattern.casefold(),))


def _pattern(value: Any) -> str:
    text = encode("text", "the pattern", value)
    if text is None or (len(text) - len(text.rstrip("\\"))) % 2:
        raise ValidationError("a pattern must be text and must not end in a lone backslash")
    return text


def _glob(pattern: str) -> str:
    made, characters = [], iter(pattern)
    for character in characters:
        if character == "\\":
            made.append(_literal(next(characters)))
        else:
            made.append({"%": "*", "_": "?"}.get(character) or _literal(character))
    return "".join(made)


def _literal(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character


_SPECIAL: Mapping[str, Callable[[str, str, Any], Statement]] = {"in": _in, "is": _is, "like": _like, "ilike": _ilike}


def _order(table: str, order: Sequence[Order]) -> str:
    terms = []
    for one in order:
        kind_of(table, one["column"])
        terms.append(f"{one['column']} {'DESC' if one.get('descending') else 'ASC'}")
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _page(limit: int | None, offset: int) -> str:
    for number in (limit, offset):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise ValidationError("limit and offset must be whole numbers")
        if number is not None and not 0 <= number <= MAX_ROWS:
            raise ValidationError(f"limit and offset must lie between 0 and {MAX_ROWS}")
    if limit is None and not offset:
        return ""
    return f" LIMIT {-1 if limit is None else limit:d} OFFSET {offset:d}"
