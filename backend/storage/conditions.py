"""What a caller asks for, checked against the table once; the adapters only spell it in their own language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import ValidationError
from backend.storage.database import Filter, Order
from backend.storage.searches import index_of, words_of
from backend.storage.tables import columns_of, kind_of
from backend.storage.values import encode

MAX_IN = 150  # ids: what fits into an address of 8 KB, which is all that proxies before PostgREST take
MAX_DEPTH = 3
MAX_ROWS = 1_000_000_000
_ONE_VALUE = frozenset(("eq", "neq", "lt", "lte", "gt", "gte"))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column, an operator and its value: text, a tuple of texts for `in`, None or a bool for `is`.

    With the operator `search` the column is the index that is searched, and the value a tuple of words.
    """

    column: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the groups holds whole."""

    groups: tuple[tuple[Condition, ...], ...]


Condition = Comparison | AnyOf


def conditions(table: str, filters: Sequence[Filter]) -> tuple[Condition, ...]:
    """Return the filters as conditions that must all hold.

    Raises:
        ValidationError: a column, operator or value that does not fit.
    """
    columns_of(table)
    return tuple(_condition(table, one, 0) for one in filters)


def names(table: str, columns: str) -> list[str]:
    """Return the columns named, all for `*`.

    Raises:
        ValidationError: the table does not have one of them.
    """
    known = columns_of(table)
    if columns == "*":
        return list(known)
    found = [name.strip() for name in columns.split(",")]
    for name in found:
        kind_of(table, name)
    return found


def sorting(table: str, order: Sequence[Order]) -> list[tuple[str, bool]]:
    """Return (column, descending) for each term.

    Raises:
        ValidationError: the table does not have one of the columns.
    """
    terms = [(one.get("column"), bool(one.get("descending"))) for one in order]
    for column, _ in terms:
        kind_of(table, str(column))
    return [(str(column), descending) for column, descending in terms]


def check_page(limit: int | None, offset: int) -> None:
    """Return if both are whole numbers in range.

    Raises:
        ValidationError: one is not.
    """
    for number in (limit, offset):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise ValidationError("limit and offset must be whole numbers")
        if number is not None and not 0 <= number <= MAX_ROWS:
            raise ValidationError(f"limit and offset must lie between 0 and {MAX_ROWS}")


def _condition(table: str, one: Filter, depth: int) -> Condition:
    if not isinstance(one, Mapping) or depth > MAX_DEPTH:
        raise ValidationError("a filter is not a mapping, or too deep")
    if "any_of" in one:
        groups = tuple(tuple(_condition(table, inner, depth + 1) for inner in group) for group in one["any_of"])
        if not groups or not all(groups):
            raise ValidationError("a list of filters is empty")
        return AnyOf(groups)
    if "column" not in one or "value" not in one:
        raise ValidationError("a filter needs column and value")
    operator = one.get("operator", "eq")
    if operator == "search":
        return _search(table, one["column"], one["value"])
    return Comparison(one["column"], operator, _value(table, one["column"], operator, one["value"]))


def _search(table: str, column: str, value: Any) -> Comparison:
    kind_of(table, column)
    words = words_of(_text(encode("text", column, value)))
    if not words:
        raise ValidationError("a search needs at least one word")
    return Comparison(index_of(table, column), "search", words)


def _value(table: str, column: str, operator: str, value: Any) -> Any:
    kind = kind_of(table, column)
    if operator == "is":
        if value is not None and not isinstance(value, bool):
            raise ValidationError("is takes null, true or false")
        return value
    if operator == "in":
        if not isinstance(value, list | tuple | set | frozenset) or len(value) > MAX_IN:
            raise ValidationError(f"in takes a list of at most {MAX_IN} values")
        return tuple(_text(encode(kind, column, each)) for each in value)
    if operator in {"like", "ilike"}:
        return _pattern(_text(encode("text", column, value)))
    if operator in _ONE_VALUE:
        return _text(encode(kind, column, value))
    raise ValidationError(f"there is no operator {operator!r}")


def _text(encoded: str | None) -> str:
    if encoded is None:
        raise ValidationError("null is compared by the operator is")
    return encoded


def _pattern(pattern: str) -> str:
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise ValidationError("a pattern must not end in a lone backslash")
    return pattern
