"""How severe a threat is and what to look at first, each with its reasons in words. Pure.

Severity. The KEV catalogue carries no CVSS, so it is derived: critical where ransomware uses it or EPSS is at least
0.5, high where it is otherwise known to be exploited, unknown where nothing is known.

Priority, 0 to 100: known exploited 40, used by ransomware 15, EPSS up to 30 (probability times 30), and up to 15 for a
record that was added within the last 90 days (15 on the first day, then falling evenly).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

LIKELY = 0.5
EXPLOITED_POINTS, RANSOMWARE_POINTS, EPSS_POINTS, NEW_POINTS = 40, 15, 30, 15
NEW_DAYS = 90


def severity(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return the severity and, in words, what it was derived from."""
    epss = record["epss"]
    if record["ransomware"]:
        return "critical", "Known use in ransomware campaigns"
    if record["known_exploited"]:
        if epss is not None and epss >= LIKELY:
            return "critical", f"Known to be exploited, and EPSS is {_percent(epss)}"
        return "high", "Known to be exploited"
    if epss is not None and epss >= LIKELY:
        return "high", f"EPSS is {_percent(epss)}"
    return "unknown", "No source says how severe it is"


def priority(record: Mapping[str, Any], today: date) -> tuple[int, list[str]]:
    """Return the priority and its reasons.

    Args:
        today: the day in UTC, for the record's age.
    """
    parts = [_exploited(record), _ransomware(record), _likelihood(record), _newness(record, today)]
    given = [part for part in parts if part is not None]
    return min(100, round(sum(points for points, _ in given))), [reason for _, reason in given]


def _exploited(record: Mapping[str, Any]) -> tuple[float, str] | None:
    return (EXPLOITED_POINTS, "Known to be exploited") if record["known_exploited"] else None


def _ransomware(record: Mapping[str, Any]) -> tuple[float, str] | None:
    return (RANSOMWARE_POINTS, "Used in ransomware campaigns") if record["ransomware"] else None


def _likelihood(record: Mapping[str, Any]) -> tuple[float, str] | None:
    epss, percentile = record["epss"], record["percentile"]
    if epss is None:
        return None
    rank = "" if percentile is None else f", higher than {_percent(percentile)} of all CVEs"
    return epss * EPSS_POINTS, f"{_percent(epss)} likely to be exploited within 30 days{rank} (EPSS)"


def _newness(record: Mapping[str, Any], today: date) -> tuple[float, str] | None:
    added = record["date_added"]
    if added is None:
        return None
    days = max(0, (today - date.fromisoformat(added)).days)
    if days >= NEW_DAYS:
        return None
    when = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    return NEW_POINTS * (1 - days / NEW_DAYS), f"Added {when}"


def _percent(share: float) -> str:
    """Return a share as a percentage that never rounds up to certainty or down to nothing."""
    percent = share * 100
    if percent >= 99.5:
        return f"{min(percent, 99.9):.1f} %" if share < 1 else "100 %"
    return f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
