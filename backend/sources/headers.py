"""What the headers of an answer say beside its body: the next page, and how much more may be asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from backend.sources.dates import moment

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^,;<>]+)*)")
_LONGEST_NUMBER = 11
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
            try:
                found = urljoin(url, target.strip())
                return found if _origin(found) == _origin(url) else None
            except ValueError:  # no address at all
                return None
    return None


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def requests_left(headers: Mapping[str, str]) -> int | None:
    """Return how many requests the server still takes of us in its period, None where it does not say."""
    return _number(headers.get("x-ratelimit-remaining", ""))


def wait_for_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until a server that takes no more requests takes some again, None where it takes some.

    Args:
        headers: X-RateLimit-Reset is a date (Mastodon) or seconds since 1970 (GitHub).
        now: aware.
    """
    if requests_left(headers) != 0:
        return None
    value = headers.get("x-ratelimit-reset", "")
    seconds = _number(value)
    at = moment(value) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return None if at is None else max(0.0, (at - now).total_seconds())


def _number(value: str) -> int | None:
    return int(value) if value.isdecimal() and len(value) <= _LONGEST_NUMBER else None
