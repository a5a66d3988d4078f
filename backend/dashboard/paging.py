"""Pages of a sorted list, continued at a row instead of at a number: rows that come meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
from typing import Any, NamedTuple

import orjson

from backend.errors import ValidationError
from backend.storage.database import Filter, Order, Row


class Page(NamedTuple):
    """Where a page begins and how it is sorted."""

    filters: tuple[Filter, ...]
    order: tuple[Order, ...]


def page_of(sort: str, cursor: str | None) -> Page:
    """Return the page after `cursor`, the first one without.

    Args:
        sort: a column, with a minus in front for descending; the id decides between equals.
        cursor: what `next_cursor` gave for the page before.

    Raises:
        ValidationError: the cursor is not one of this order's.
    """
    column, descending = sort.removeprefix("-"), sort.startswith("-")
    order = tuple({"column": name, "descending": descending} for name in (column, "id"))
    if cursor is None:
        return Page((), order)
    value, row_id = _read(sort, cursor)
    beyond, not_before = ("lt", "lte") if descending else ("gt", "gte")
    after = [
        [{"column": column, "operator": beyond, "value": value}],
        [{"column": column, "value": value}, {"column": "id", "operator": beyond, "value": row_id}],
    ]
    # The first condition follows from the second; with it an index on the column is entered at the right place.
    return Page(({"column": column, "operator": not_before, "value": value}, {"any_of": after}), order)


def next_cursor(sort: str, last: Row) -> str:
    """Return the cursor for the page after the row `last`."""
    told = orjson.dumps([sort, last[sort.removeprefix("-")], last["id"]])
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _read(sort: str, cursor: str) -> tuple[str, str]:
    try:
        told: Any = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        known, value, row_id = told
    except (binascii.Error, ValueError, TypeError):
        raise _refusal() from None
    if known != sort or not isinstance(value, str) or not isinstance(row_id, str):
        raise _refusal()
    return value, row_id


def _refusal() -> ValidationError:
    return ValidationError("invalid: cursor", details={"cursor": ["Not a cursor of this list and order."]})
