"""One threat with all that is known of it, and which source says what. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.dashboard.sourcing.line import SourceLine
from backend.dashboard.threats.merge import Entry

_PAGES = {
    "cisa_kev": "https://www.cisa.gov/known-exploited-vulnerabilities-catalog?search_api_fulltext={id}",
    "nvd": "https://nvd.nist.gov/vuln/detail/{id}",
    "epss": "https://api.first.org/data/v1/epss?cve={id}",
}
"""Where a source has a page of its own about a CVE."""
_NOT_SAID = frozenset(("aliases", "url", "derived_title", "indicator_count"))


def detail(entry: Entry, lines: Mapping[str, SourceLine]) -> dict[str, Any]:
    """Return the record with its indicators and its provenance; see ThreatDetailSchema.

    Args:
        lines: of all sources, by name.
    """
    record = entry.record
    provenance = [_said(record["id"], source, part, lines[source]) for source, part in entry.parts if source in lines]
    return {
        **record,
        "indicators": [dict(each) for each in entry.indicators],
        "provenance": provenance,
        "as_of": min((each["as_of"] for each in provenance if each["as_of"]), default=None),
        "stale": any(each["status"] != "live" for each in provenance),
    }


def _said(name: str, source: str, part: Mapping[str, Any], line: SourceLine) -> dict[str, Any]:
    page = _PAGES.get(source, "").format(id=name) if name.startswith("CVE-") else ""
    fields = [field for field, value in part.items() if field not in _NOT_SAID and value not in (None, [], ())]
    if "derived_title" in part and "title" not in fields and part["derived_title"]:
        fields.append("title")
    return {
        "source": source,
        "title": line.title,
        "status": line.status,
        "as_of": line.as_of.isoformat() if line.as_of else None,
        "url": part.get("url") or page or None,
        "says": fields,
        "cvss": part.get("cvss"),
    }
