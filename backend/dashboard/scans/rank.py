"""What of a scan to look at first, with the reasons in words. Pure.

Known-exploited findings come before all others. Within both groups priority decides, 0 to 100: known to be exploited
50, used by ransomware 10, EPSS up to 20 (probability times 20), CVSS up to 15 (score times 1.5, else by the scanner's
severity), and 5 for a vulnerability that the community talks about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXPLOITED, RANSOMWARE, LIKELY, SEVERE, TALKED = 50, 10, 20, 15, 5
_BY_SEVERITY = {"critical": 14, "high": 11, "medium": 7, "low": 3}


def ranked(finding: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return the priority and its reasons, the weightiest first.

    Args:
        finding: its `severity` and what joining told: known_exploited, exploited_says, date_added, due_date,
            ransomware, epss, percentile, epss_says, cvss, pulse.
    """
    parts = [_exploited(finding), _ransomware(finding), _likely(finding), _severe(finding), _talked(finding)]
    given = sorted((part for part in parts if part is not None), key=lambda part: -part[0])
    return min(100, round(sum(points for points, _ in given))), [reason for _, reason in given]


def rank_text(known_exploited: bool, priority: int) -> str:
    """Return a text by which findings sort in the order in which they are to be shown."""
    return f"{0 if known_exploited else 1}{100 - priority:03d}"


def _exploited(finding: Mapping[str, Any]) -> tuple[float, str] | None:
    if not finding.get("known_exploited"):
        return None
    says = finding.get("exploited_says") or "a catalogue"
    since = f", since {finding['date_added']}" if finding.get("date_added") else ""
    due = f"; to be fixed by {finding['due_date']}" if finding.get("due_date") else ""
    return EXPLOITED, f"Known to be exploited ({says}{since}{due})"


def _ransomware(finding: Mapping[str, Any]) -> tuple[float, str] | None:
    return (RANSOMWARE, "Used in ransomware campaigns") if finding.get("ransomware") else None


def _likely(finding: Mapping[str, Any]) -> tuple[float, str] | None:
    epss = finding.get("epss")
    if epss is None:
        return None
    share = finding.get("percentile")
    higher = f", higher than {_percent(share)} of all CVEs" if share is not None else ""
    says = f"EPSS, as {finding['epss_says']} says" if finding.get("epss_says") else "EPSS"
    share_now = _percent(epss)
    return (
        epss * LIKELY,
        f"{share_now[0].upper()}{share_now[1:]} likely to be exploited within 30 days{higher} ({says})",
    )


def _severe(finding: Mapping[str, Any]) -> tuple[float, str] | None:
    cvss = finding.get("cvss") or {}
    if cvss.get("score") is not None:
        return cvss["score"] / 10 * SEVERE, f"CVSS {cvss['score']:g} of 10"
    points = _BY_SEVERITY.get(str(finding.get("severity")), 0)
    return (points, f"The scanner rates it {finding['severity']}") if points else None


def _talked(finding: Mapping[str, Any]) -> tuple[float, str] | None:
    pulse = finding.get("pulse")
    if not pulse:
        return None
    sources = pulse.get("sources") or 1
    times = f"{pulse['mentions']} mention{'' if pulse['mentions'] == 1 else 's'}"
    return TALKED, f"Talked about: {times} in {sources} source{'' if sources == 1 else 's'} within 7 days"


def _percent(share: float) -> str:
    """A share that never rounds up to certainty or down to nothing."""
    percent = share * 100
    if percent >= 99.5:
        return f"{min(percent, 99.9):.1f} %" if share < 1 else "100 %"
    return f"{percent:.0f} %" if percent >= 1 else "less than 1 %"
