"""Reading pages of the NVD's CVE API 2.0, tolerantly. Pure: runs in a native thread.

Format: https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema. What pages really hold: dates without a zone
(UTC), rejected records with empty metrics, scores of several people in several versions, other people's lists beside
the known ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backend.errors import NetworkError
from backend.sources.base import Fragment
from backend.sources.cve5_records import looks_like_records, parse_records
from backend.sources.cvss_scores import Score, believed, cvss_score
from backend.sources.dates import day
from backend.sources.documents import expect_object, load_json
from backend.sources.identifiers import record_id
from backend.sources.instants import iso
from backend.sources.links import web_link
from backend.sources.text import plain, shorten

WHAT = "a page of the NVD's CVE API"
_CWE = re.compile(r"CWE-\d+")
_METRICS = ("cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2")
_MOST_REFERENCES = 20
_WITHDRAWN = frozenset(("rejected",))
_CPE_PARTS = 5


@dataclass(frozen=True, slots=True)
class NvdPage:
    """One page: `rows` of `total` records were in it; `removed` are the ids of rejected ones."""

    fragments: dict[str, Fragment]
    removed: tuple[str, ...]
    rows: int
    total: int
    skipped: int


def parse_page(body: bytes) -> NvdPage:
    """Read a page, a single record, or a file of CVE records in their own format.

    Raises:
        NetworkError: it is something else, cut off, or without one record that can be used.
    """
    if looks_like_records(body):
        fragments, removed_ones, rows = parse_records(body)
        return NvdPage(fragments, removed_ones, rows, rows, rows - len(fragments) - len(removed_ones))
    document = expect_object(load_json(body), WHAT)
    records = [document] if isinstance(document.get("cve"), dict) else document.get("vulnerabilities")
    if not isinstance(records, list):
        raise NetworkError("no vulnerabilities list", message=f"The answer is JSON, but not {WHAT}.")
    read_ones: dict[str, Fragment] = {}
    removed: list[str] = []
    for record in records:
        cve = record.get("cve") if isinstance(record, dict) else None
        name = record_id(cve.get("id")) if isinstance(cve, dict) else None
        if cve is None or name is None:
            continue
        if str(cve.get("vulnStatus", "")).lower() in _WITHDRAWN:
            removed.append(name)
        else:
            read_ones[name] = _fragment(cve)
    read = len(read_ones) + len(removed)
    if records and not read:
        raise NetworkError(f"none of {len(records)} records", message="The page has no record that can be used.")
    told = document.get("totalResults")
    total = told if isinstance(told, int) and not isinstance(told, bool) else len(records)
    return NvdPage(read_ones, tuple(removed), len(records), total, len(records) - read)


def _fragment(cve: dict[str, Any]) -> Fragment:
    summary = plain(_english(cve.get("descriptions")), 4000)
    added = day(cve.get("cisaExploitAdd"))
    vendor, product = _affected(cve.get("configurations"))
    title = plain(cve.get("cisaVulnerabilityName"), 300) or shorten(summary.partition(". ")[0], 140)
    return {
        "derived_title": title or None,
        "summary": summary or None,
        "vendor": vendor,
        "product": product,
        "known_exploited": True if added else None,
        "date_added": added,
        "due_date": day(cve.get("cisaActionDue")),
        "required_action": plain(cve.get("cisaRequiredAction"), 2000) or None,
        "cvss": believed(_scores(cve.get("metrics"))),
        "published": day(cve.get("published")),
        "updated": iso(cve.get("lastModified")),
        "cwes": _cwes(cve.get("weaknesses")),
        "references": _references(cve.get("references")),
        "tags": _tags(cve.get("cveTags")),
    }


def _english(descriptions: Any) -> str:
    given = [(str(each.get("lang")), each.get("value")) for each in _objects(descriptions)]
    texts = {language: text for language, text in reversed(given) if isinstance(text, str)}
    return texts.get("en") or next(iter(texts.values()), "")


def _scores(metrics: Any) -> Iterator[Score | None]:
    if not isinstance(metrics, dict):
        return
    for kind in _METRICS:
        for metric in _objects(metrics.get(kind)):
            data = metric.get("cvssData")
            if isinstance(data, dict):
                yield cvss_score(
                    data.get("vectorString"),
                    data.get("baseScore"),
                    version=data.get("version"),
                    source=_scorer(metric.get("source")),
                    primary=metric.get("type") == "Primary",
                )


def _scorer(source: Any) -> str:
    return "NVD" if source == "nvd@nist.gov" else plain(source, 80)


def _affected(configurations: Any) -> tuple[str | None, str | None]:
    """Return vendor and product of the first vulnerable product that is named."""
    for configuration in _objects(configurations):
        for node in _objects(configuration.get("nodes")):
            for match in _objects(node.get("cpeMatch")):
                if match.get("vulnerable", True):
                    named = _cpe(match.get("criteria"))
                    if named is not None:
                        return named
    return None, None


def _cpe(criteria: Any) -> tuple[str, str] | None:
    parts = re.split(r"(?<!\\):", criteria) if isinstance(criteria, str) else []
    if len(parts) < _CPE_PARTS:
        return None
    vendor, product = (plain(part.replace("\\", "").replace("_", " "), 120) for part in parts[3:5])
    return (vendor, product) if vendor not in ("", "*", "-") else None


def _cwes(weaknesses: Any) -> list[str]:
    named = (d.get("value") for w in _objects(weaknesses) for d in _objects(w.get("description")))
    return list(dict.fromkeys(cwe for cwe in named if isinstance(cwe, str) and _CWE.fullmatch(cwe)))


def _references(references: Any) -> list[str]:
    links = (web_link(reference.get("url")) for reference in _objects(references))
    return list(dict.fromkeys(link for link in links if link))[:_MOST_REFERENCES]


def _tags(given: Any) -> list[str]:
    lists = (each.get("tags") for each in _objects(given))
    named = [plain(tag, 60) for tags in lists if isinstance(tags, list) for tag in tags]
    return list(dict.fromkeys(tag for tag in named if tag))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
