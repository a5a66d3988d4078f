"""One finding, whatever scanner it comes from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from backend.scans.text import addresses, ids_in, line, paragraph

SEVERITIES = ("critical", "high", "medium", "low", "info", "unknown")
_NAMES = {
    **{name: name for name in SEVERITIES},
    "important": "high",
    "moderate": "medium",
    "minor": "low",
    "negligible": "info",
    "informational": "info",
    "note": "info",
    "none": "info",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scanner says it found: which vulnerability, in what, where.

    Args:
        vulnerability: its id: a CVE where there is one, else the scanner's own name of it.
        aliases: other ids of the same.
        component, version, fixed_version, purl: what has it; empty where the scanner does not say.
        location: file, image, address.
        cvss_score, epss, percentile: as the scanner says; None where it does not.
        known_exploited: the scanner says so; None where it does not say.
    """

    vulnerability: str
    aliases: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    severity: str = "unknown"
    component: str = ""
    version: str = ""
    fixed_version: str = ""
    purl: str = ""
    location: str = ""
    cvss_score: float | None = None
    cvss_vector: str = ""
    epss: float | None = None
    percentile: float | None = None
    known_exploited: bool | None = None
    references: tuple[str, ...] = ()
    tool: str = ""

    @property
    def key(self) -> str:
        """What makes two findings the same: vulnerability, component with its version, and location."""
        told = "\x1f".join((self.vulnerability, self.component, self.version, self.location))
        return hashlib.sha256(told.encode()).hexdigest()[:32]


def make_finding(name: Any, *, ids: Iterable[Any] = (), **said: Any) -> Finding | None:
    """Return the finding that a report tells of, cleaned and bounded; None where it has no name at all.

    Args:
        name: what the scanner calls it.
        ids: texts with more ids in them; the first CVE of all is the finding's name.
        said: Finding's other fields, as they stand in the report.
    """
    own = line(name, 200)
    known = [found for text in (own, *ids) for found in ids_in(text)]
    known = list(dict.fromkeys(known))
    first = next((found for found in known if not found.startswith("GHSA")), known[0] if known else own)
    if not first:
        return None
    others = [found for found in known if found != first]
    if own and own != first and not ids_in(own):
        others.append(own)
    score = number(said.get("cvss_score"), 10)
    return Finding(
        vulnerability=first,
        aliases=tuple(others[:20]),
        title=line(said.get("title"), 300),
        description=paragraph(said.get("description"), 4000),
        severity=severity(said.get("severity"), score),
        component=line(said.get("component"), 300),
        version=line(said.get("version"), 200),
        fixed_version=line(said.get("fixed_version"), 300),
        purl=line(said.get("purl"), 500),
        location=line(said.get("location"), 1000),
        cvss_score=score,
        cvss_vector=line(said.get("cvss_vector"), 200),
        epss=number(said.get("epss"), 1),
        percentile=number(said.get("percentile"), 1),
        known_exploited=said.get("known_exploited"),
        references=addresses(said.get("references")),
        tool=line(said.get("tool"), 100),
    )


def severity(name: Any, score: float | None = None) -> str:
    """Return one of SEVERITIES by its name, else by a CVSS score (bands of CVSS v3.1, section 5)."""
    known = _NAMES.get(name.strip().lower(), "unknown") if isinstance(name, str) else "unknown"
    if known != "unknown" or score is None:
        return known
    if score <= 0:
        return "info"
    return "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"


def number(value: Any, largest: float) -> float | None:
    """Return a number between 0 and `largest`, also out of text; None for all else, NaN included."""
    if isinstance(value, str) and len(value) <= 30:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= largest else None
