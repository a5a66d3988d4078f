"""How severe a threat is and what to look at first, each with its reasons in words. Pure.

docs/priority.md explains both with examples; a change here is a change there.

Severity. What CVSS says, or else who published it; raised where it is known to be exploited: high at least, critical
where ransomware uses it or EPSS is at least 0.5.

Priority, 0 to 100, the sum of six parts: known exploited 30, used by ransomware 10, EPSS up to 15 (probability times
15), CVSS up to 10 (the score), newness up to 30 (on the first day, falling evenly within NEW_DAYS), and up to 5 for the
community's talk (one for each mention within a day).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

LIKELY = 0.5
EXPLOITED_POINTS, RANSOMWARE_POINTS, EPSS_POINTS, CVSS_POINTS, NEW_POINTS, TALK_POINTS = 30, 10, 15, 10, 30, 5
NEW_DAYS = 60
LEVELS = ("unknown", "low", "medium", "high", "critical")


def severity(record: Mapping[str, Any], rated: tuple[str, str] | None = None) -> tuple[str, str]:
    """Return the severity and, in words, what it was derived from.

    Args:
        rated: level and name of a source that rates in words.
    """
    epss, cvss = record["epss"], record.get("cvss")
    if record["ransomware"]:
        return "critical", "Known use in ransomware campaigns"
    if record["known_exploited"] and epss is not None and epss >= LIKELY:
        return "critical", f"Known to be exploited, and EPSS is {_percent(epss)}"
    told = _told(cvss, rated)
    if told is None:
        return _without_score(record, epss)
    level, basis = told
    if record["known_exploited"] and LEVELS.index(level) < LEVELS.index("high"):
        return "high", f"Known to be exploited; {basis}"
    return level, basis


def _told(cvss: Mapping[str, Any] | None, rated: tuple[str, str] | None) -> tuple[str, str] | None:
    if cvss:
        return cvss["severity"], f"CVSS {cvss['version']} score {cvss['score']:.1f}"
    return (rated[0], f"Rated {rated[0]} by {rated[1]}") if rated else None


def _without_score(record: Mapping[str, Any], epss: float | None) -> tuple[str, str]:
    if record["known_exploited"]:
        return "high", "Known to be exploited"
    if epss is not None and epss >= LIKELY:
        return "high", f"EPSS is {_percent(epss)}"
    return "unknown", "No source says how severe it is"


def priority(record: Mapping[str, Any], today: date, mentions: int = 0) -> tuple[int, list[str]]:
    """Return the priority and its reasons.

    Args:
        today: the day in UTC, for the record's age.
        mentions: how often the community named it within a day.
    """
    parts = [
        _exploited(record),
        _ransomware(record),
        _likelihood(record),
        _score(record),
        _newness(record, today),
        _talk(mentions),
    ]
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


def _score(record: Mapping[str, Any]) -> tuple[float, str] | None:
    cvss = record.get("cvss")
    if not cvss:
        return None
    by = f" by {cvss['source']}" if cvss["source"] else ""
    return cvss["score"] * CVSS_POINTS / 10, f"CVSS {cvss['score']:.1f} of 10 ({cvss['severity']}{by})"


def _newness(record: Mapping[str, Any], today: date) -> tuple[float, str] | None:
    added, published = record["date_added"], record.get("published")
    told = added or published
    if told is None:
        return None
    days = max(0, (today - date.fromisoformat(told[:10])).days)
    if days >= NEW_DAYS:
        return None
    when = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    return NEW_POINTS * (1 - days / NEW_DAYS), f"{'Added' if added else 'Published'} {when}"


def _talk(mentions: int) -> tuple[float, str] | None:
    if mentions <= 0:
        return None
    times = "once" if mentions == 1 else f"{mentions} times"
    return min(mentions, TALK_POINTS), f"Named {times} by the community within a day"


def _percent(share: float) -> str:
    """Return a share as a percentage that never rounds up to certainty or down to nothing."""
    percent = share * 100
    if percent >= 99.5:
        return f"{min(percent, 99.9):.1f} %" if share < 1 else "100 %"
    return f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
