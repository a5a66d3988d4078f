"""Values on their way into a text-based table and back."""

from __future__ import annotations

from typing import Any

import orjson

from backend.errors import ValidationError
from backend.schemas.times import utc_iso
from backend.storage.tables import Columns, Kind

MAX_TEXT = 1_048_576  # characters; a bound for what no schema has bounded before


def encode(kind: Kind, column: str, value: Any) -> str | None:
    """Return the text that is stored for a value.

    Raises:
        ValidationError: the value does not fit the column.
    """
    if value is None and kind != "json":
        return None
    try:
        if kind == "json":
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        if kind == "timestamp":
            return utc_iso(value)
        return _text(value)
    except (ValueError, TypeError, RecursionError):
        raise ValidationError(f"the value for {column} cannot be stored as {kind}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError("not a text, or too long")
    value.encode()  # lone surrogates have no UTF-8
    return value


def decode(columns: Columns, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its JSON columns as values; JSON that is broken stays text for the validator to refuse."""
    for column, value in row.items():
        if columns.get(column) == "json" and isinstance(value, str):
            try:
                row[column] = orjson.loads(value)
            except orjson.JSONDecodeError:
                continue
    return row


def checked(kind: Kind, column: str, value: Any) -> Any:
    """Return a value as JSON for a database that keeps JSON and timestamps itself.

    Raises:
        ValidationError: the value does not fit the column.
    """
    encoded = encode(kind, column, value)
    return orjson.loads(encoded) if kind == "json" and encoded is not None else encoded


def read(columns: Columns, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of such a database with its timestamps in the one form."""
    for column, value in row.items():
        if columns.get(column) == "timestamp" and isinstance(value, str):
            try:
                row[column] = utc_iso(value)
            except ValueError:
                continue  # infinity and the like: for the validator to refuse
    return row
