"""Reading pages of GitHub's advisories, tolerantly. Pure: runs in a native thread.

Format: https://docs.github.com/rest/security-advisories/global-advisories. An unscored cvss is 0.0 with a null vector.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from backend.errors import NetworkError
from backend.sources.base import Fragment
from backend.sources.cvss_scores import Score, believed, cvss_score
from backend.sources.dates import day
from backend.sources.documents import load_json
from backend.sources.identifiers import record_id
from backend.sources.instants import iso
from backend.sources.links import web_link
from backend.sources.text import plain

WHAT = "a page of GitHub's advisories"
_ID = re.compile(r"GHSA(?:-[0-9A-Z]{4}){3}")
_CWE = re.compile(r"CWE-\d+")
_SEVERITIES = {"critical": "critical", "high": "high", "medium": "medium", "moderate": "medium", "low": "low"}
_MOST_REFERENCES, _MOST_PACKAGES = 20, 10


@dataclass(frozen=True, slots=True)
class GhsaPage:
    """One page, in the order of the last change; `oldest` and `newest` are its span in ISO 8601."""

    fragments: dict[str, Fragment]
    removed: tuple[str, ...]
    rows: int
    newest: str
    oldest: str
    skipped: int


def parse_page(body: bytes) -> GhsaPage:
    """Read a page.

    Raises:
        NetworkError: it is something else, or without one advisory that can be used.
    """
    records = load_json(body)
    if not isinstance(records, list):
        raise NetworkError("no list", message=f"The answer is JSON, but not {WHAT}.")
    fragments: dict[str, Fragment] = {}
    removed: list[str] = []
    for record in records:
        name = advisory_id(record.get("ghsa_id")) if isinstance(record, dict) else None
        if name is None:
            continue
        if record.get("withdrawn_at"):
            removed.append(name)
        else:
            fragments[name] = _fragment(name, record)
    read = len(fragments) + len(removed)
    if records and not read:
        raise NetworkError(f"none of {len(records)}", message="The page has no advisory that can be used.")
    updated = sorted(iso(r.get("updated_at")) or "" for r in records if isinstance(r, dict))
    return GhsaPage(
        fragments, tuple(removed), len(records), updated[-1] if updated else "", updated[0] if updated else "",
        len(records) - read,
    )  # fmt: skip


def advisory_id(value: Any) -> str | None:
    """Return an advisory's id in one written form, in capitals, None where it is none."""
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if _ID.fullmatch(text) else None


def _fragment(name: str, record: dict[str, Any]) -> Fragment:
    cve = record_id(record.get("cve_id"))
    packages = _packages(record.get("vulnerabilities"))
    ecosystem, product = packages[0] if packages else (None, None)
    page = web_link(record.get("html_url"))
    return {
        "aliases": [cve] if cve else [],
        "title": plain(record.get("summary"), 300) or None,
        "summary": plain(record.get("description"), 4000) or None,
        "rated": _SEVERITIES.get(str(record.get("severity")).lower()),
        "vendor": ecosystem,
        "product": product,
        "cvss": believed(_scores(record)),
        "published": day(record.get("published_at")),
        "updated": iso(record.get("updated_at")),
        "cwes": _cwes(record.get("cwes")),
        "references": _references(page, record.get("references")),
        "tags": list(dict.fromkeys(f"{kind}: {package}" for kind, package in packages[:_MOST_PACKAGES])),
        "url": page or f"https://github.com/advisories/{name}",
    }


def _scores(record: dict[str, Any]) -> list[Score | None]:
    severities = record.get("cvss_severities")
    given = severities if isinstance(severities, dict) else {}
    found = [given.get("cvss_v4"), given.get("cvss_v3"), record.get("cvss")]
    # a zero beside a null vector says that nobody has scored it
    return [
        cvss_score(score.get("vector_string"), score.get("score"), source="GitHub")
        for score in found
        if isinstance(score, dict) and score.get("vector_string")
    ]


def _packages(vulnerabilities: Any) -> list[tuple[str, str]]:
    found = []
    for each in vulnerabilities if isinstance(vulnerabilities, list) else ():
        package = each.get("package") if isinstance(each, dict) else None
        if isinstance(package, dict) and (name := plain(package.get("name"), 120)):
            found.append((plain(package.get("ecosystem"), 40), name))
    return found


def _cwes(value: Any) -> list[str]:
    named = [cwe.get("cwe_id") for cwe in value if isinstance(cwe, dict)] if isinstance(value, list) else []
    return list(dict.fromkeys(cwe for cwe in named if isinstance(cwe, str) and _CWE.fullmatch(cwe)))


def _references(page: str | None, value: Any) -> list[str]:
    links = [page, *(web_link(each) for each in (value if isinstance(value, list) else ()))]
    return list(dict.fromkeys(link for link in links if link))[:_MOST_REFERENCES]
