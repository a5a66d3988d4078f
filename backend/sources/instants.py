"""Points in time of machine-written sources: quick where they keep to ISO 8601, tolerant where they do not. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backend.sources.dates import moment


def instant(value: Any) -> datetime | None:
    """Read a point in time as UTC; without a zone it counts as UTC (NVD's dates carry none)."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
    except ValueError:
        return moment(value)
    try:
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except OverflowError:
        return None


def iso(value: Any) -> str | None:
    """Return a point in time as ISO 8601 in UTC to the second, None where there is none."""
    read = instant(value)
    return read.replace(microsecond=0).isoformat() if read else None


def epoch(value: Any) -> datetime | None:
    """Read seconds since 1970, a number or a text, as MISP writes them."""
    try:
        return datetime.fromtimestamp(int(value), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
