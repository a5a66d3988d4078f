"""Conditions in the language of PostgREST's query strings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backend.storage.conditions import AnyOf, Comparison, Condition
from backend.storage.patterns import regular_expression
from backend.storage.searches import postgres_query

Parameter = tuple[str, str]
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_IS = {None: "null", True: "true", False: "false"}


def parameters(conditions: Sequence[Condition]) -> list[Parameter]:
    """Return the query parameters that stand for conditions which must all hold."""
    return [_parameter(one) for one in conditions]


def _parameter(one: Condition) -> Parameter:
    if isinstance(one, AnyOf):
        return "or", f"({_groups(one)})"
    operator, value = _spelled(one)
    # The value of a parameter of its own reaches to the end: quotes would be part of it.
    return one.column, f"{operator}.{_list(value) if isinstance(value, tuple) else value}"


def _groups(one: AnyOf) -> str:
    return ",".join(_all(group) for group in one.groups)


def _all(group: Sequence[Condition]) -> str:
    inner = ",".join(f"or({_groups(one)})" if isinstance(one, AnyOf) else _nested(one) for one in group)
    return inner if len(group) == 1 else f"and({inner})"


def _nested(one: Comparison) -> str:
    operator, value = _spelled(one)
    if isinstance(value, tuple):
        return f"{one.column}.{operator}.{_list(value)}"
    # a search needs no quotes: what they would be for is not in it
    return f"{one.column}.{operator}.{value if one.operator in {'is', 'search'} else _quoted(value)}"


def _spelled(one: Comparison) -> tuple[str, str | tuple[str, ...]]:
    if one.operator == "is":
        return "is", _IS[one.value]
    if one.operator == "search":
        return "fts(simple)", postgres_query(one.value)
    if one.operator in {"like", "ilike"} and "*" in one.value:
        # PostgREST takes a star for a percent sign and has no escape for it; its regular expressions have.
        return {"like": "match", "ilike": "imatch"}[one.operator], regular_expression(one.value)
    return one.operator, one.value


def _list(values: Sequence[str]) -> str:
    return f"({','.join(value if _is_plain(value) else _quoted(value) for value in values)})"


def _is_plain(value: str) -> bool:
    """Whether it needs no quotes, which an address has three characters for, each."""
    return _PLAIN.fullmatch(value) is not None and value.lower() != "null"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
