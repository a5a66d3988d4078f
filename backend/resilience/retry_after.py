"""What the other side asked for: Retry-After, as seconds or as an HTTP date."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from backend.errors import DashboardError

LONGEST = 31_536_000.0
"""A year: who asks for more means never, and a number without end fits into no answer."""


def parse_retry_after(value: str | float | None, now: datetime) -> float | None:
    """Return the seconds to wait, at most a year, None where the value says nothing.

    Args:
        value: of the header (RFC 9110, 10.2.3): seconds, or a date.
        now: aware; a date is measured from here, one that has passed gives 0.
    """
    if value is None or isinstance(value, bool):
        return None
    try:
        seconds = float(min(value, LONGEST) if isinstance(value, int) else value)
    except OverflowError:  # a whole number of hundreds of digits, as JSON may hold, below 0
        return None
    except (TypeError, ValueError):
        return _until(str(value), now)
    if math.isfinite(seconds):
        return min(seconds, LONGEST) if seconds >= 0 else None
    return LONGEST if str(value).strip().isdecimal() else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(LONGEST, max(0.0, (moment - now).total_seconds()))


def asked_wait(error: BaseException, now: datetime) -> float | None:
    """Return how long the other side asked to wait, None where it did not.

    A `DashboardError` has a `retry_after` of its own for people to read; only what was given to it counts here. Of
    other errors `retry_after` counts, and the Retry-After header of the `response` that HTTP clients attach.
    """
    if isinstance(error, DashboardError):
        return parse_retry_after(getattr(error, "asked_to_wait", None), now)
    own: Any = getattr(error, "retry_after", None)
    if isinstance(own, int | float | str):
        return parse_retry_after(own, now)
    headers = getattr(getattr(error, "response", None), "headers", None)
    get = getattr(headers, "get", None)
    return parse_retry_after(get("Retry-After"), now) if callable(get) else None
