"""Dates as sources write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Any

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_HOUR = 3600
# The names that feeds use. Names with two meanings (IST, CST in China) are read in their North American or
# commonest sense; a name that is not here counts as UTC.
_ZONES = {
    "UT": 0,
    "GMT": 0,
    "UTC": 0,
    "Z": 0,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
    "BST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "JST": 9,
    "AEST": 10,
    "AEDT": 11,
}


def day(value: Any) -> str | None:
    """Return the date that begins `value` as YYYY-MM-DD, None where there is none."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value.strip()[:10]).isoformat()
    except ValueError:
        return None


def moment(value: Any) -> datetime | None:
    """Read a point in time in almost any form, as UTC; without a zone it counts as UTC.

    A text without a year is no date: what is missing is not filled up from today.
    """
    if not isinstance(value, str) or not _YEAR.search(value):
        return None
    from dateutil import parser  # noqa: PLC0415 - 30 ms that the start does not have to pay

    try:
        read = parser.parse(value.strip()[:80], default=datetime(2000, 1, 1), tzinfos=_zone)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError, TypeError):
        return None


def _zone(name: str | None, offset: int | None) -> tzinfo | int:
    if offset is not None:
        return offset
    return _ZONES.get((name or "").upper(), 0) * _HOUR
