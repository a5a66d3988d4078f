"""What the headers of an answer say beside its body: the next page, and how much more may be asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from backend.sources.dates import moment

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^,;<>]+)*)")
_RELATIONS = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


def next_page(header: str | None, url: str) -> str | None:
    """Return the address of the next page of a Link header (RFC 8288), None at the end.

    An address at another origin is none: what goes along with a request (a key) belongs to one server alone.

    Args:
        url: where the header came from.
    """
    for target, parameters in _LINK.findall(header or ""):
        named = _RELATIONS.search(parameters)
        if named and "next" in (named[1] or named[2] or "").lower().split():
            found = urljoin(url, target.strip())
            return found if _origin(found) == _origin(url) else None
    return None


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def requests_left(headers: Mapping[str, str]) -> int | None:
    """Return how many requests the server still takes of us in its period, None where it does not say."""
    value = headers.get("x-ratelimit-remaining", "")
    return int(value) if value.isdecimal() else None


def wait_for_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until a server that takes no more requests takes some again, None where it takes some.

    Args:
        headers: X-RateLimit-Reset is a date (Mastodon) or seconds since 1970 (GitHub).
        now: aware.
    """
    if requests_left(headers) != 0:
        return None
    value = headers.get("x-ratelimit-reset", "")
    at = datetime.fromtimestamp(int(value), UTC) if value.isdecimal() and len(value) <= 11 else moment(value)
    return None if at is None else max(0.0, (at - now).total_seconds())
