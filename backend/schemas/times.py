"""Points in time as text: read in every common form, written in one.

The one form has a fixed width and a fixed offset, so that its order as text is its order in time; databases that
keep timestamps as text rely on that.
"""

from __future__ import annotations

from datetime import UTC, datetime


def parse_utc(value: str | datetime) -> datetime:
    """Read a point in time as UTC.

    Args:
        value: ISO 8601 text with Z, an offset or none (read as UTC) and a fraction of 1 to 9 digits (what is finer
            than a microsecond is cut off), or a datetime (a naive one counts as UTC).

    Raises:
        ValueError: it is not a point in time, or it lies outside the years 1 to 9999.
    """
    if isinstance(value, str):
        text = value.strip()
        value = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in {"Z", "z"} else text)
    if not isinstance(value, datetime):
        raise ValueError("a point in time must be text or a datetime")
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None


def utc_iso(value: str | datetime) -> str:
    """Write a point in time as ISO 8601 UTC with six digits of fraction, e.g. `2026-01-01T09:30:00.000000+00:00`.

    Raises:
        ValueError: see `parse_utc`.
    """
    return parse_utc(value).isoformat(timespec="microseconds")
