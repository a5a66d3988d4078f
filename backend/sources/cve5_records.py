"""Reading CVE records 5.x, the format of the CVE programme, with what CISA adds (exploitation, SSVC). Pure.

A copy of the list, one record in a line or all in one array, may stand in the NVD's place: the records carry the same
ids. Format: https://github.com/CVEProject/cve-schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from backend.errors import NetworkError
from backend.sources.base import Fragment
from backend.sources.cvss_scores import Score, believed, cvss_score
from backend.sources.dates import day
from backend.sources.identifiers import record_id
from backend.sources.instants import iso
from backend.sources.links import web_link
from backend.sources.text import plain, shorten

_CWE = re.compile(r"CWE-\d+")
_METRICS = ("cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0")
_MOST_REFERENCES = 20
_UNKNOWN = frozenset(("", "n/a", "unspecified"))


def looks_like_records(body: bytes) -> bool:
    """Tell whether a body holds CVE records 5.x."""
    return b'"CVE_RECORD"' in body[:4096] or b'"cveMetadata"' in body[:4096]


def parse_records(body: bytes) -> tuple[dict[str, Fragment], tuple[str, ...], int]:
    """Return fragments by id, ids of rejected records, and how many records there were.

    Raises:
        NetworkError: it is something else, or damaged.
    """
    fragments: dict[str, Fragment] = {}
    removed: list[str] = []
    rows = 0
    for record in _records(body):
        rows += 1
        meta = record.get("cveMetadata") if isinstance(record, dict) else None
        name = record_id(meta.get("cveId")) if isinstance(meta, dict) else None
        if meta is None or name is None:
            continue
        if meta.get("state") == "REJECTED":
            removed.append(name)
        else:
            fragments[name] = _fragment(meta, _object(record.get("containers")))
    if rows and not fragments and not removed:
        raise NetworkError(f"none of {rows} records", message="The file has no CVE record that can be used.")
    return fragments, tuple(removed), rows


def _records(body: bytes) -> Iterator[Any]:
    try:
        if body.lstrip()[:1] == b"[":
            yield from orjson.loads(body)
            return
        for line in body.splitlines():
            if line.strip():
                yield orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise NetworkError(f"not JSON: {error}", message="The file of CVE records is damaged or cut off.") from None


def _fragment(meta: dict[str, Any], containers: dict[str, Any]) -> Fragment:
    holders = [_object(containers.get("cna")), *_objects(containers.get("adp"))]
    metrics = [metric for holder in holders for metric in _objects(holder.get("metrics"))]
    others = {str(o.get("type")): _object(o.get("content")) for m in metrics if (o := _object(m.get("other")))}
    added = day(others.get("kev", {}).get("dateAdded"))
    summary = plain(_english(holders[0].get("descriptions")), 4000)
    vendor, product = _affected(holders)
    return {
        "title": plain(holders[0].get("title"), 300) or None,
        "derived_title": shorten(summary.partition(". ")[0], 140) or None,
        "summary": summary or None,
        "vendor": vendor,
        "product": product,
        "known_exploited": True if added else None,
        "date_added": added,
        "cvss": believed(_scores(holders)),
        "published": day(meta.get("datePublished")),
        "updated": iso(meta.get("dateUpdated")),
        "cwes": _cwes(holders),
        "references": _references(holders),
        "tags": _decision(others.get("ssvc", {})),
    }


def _scores(holders: list[dict[str, Any]]) -> Iterator[Score | None]:
    """Yield all scores; the numbering authority's own are the primary ones."""
    for number, holder in enumerate(holders):
        by = plain(_object(holder.get("providerMetadata")).get("shortName"), 80)
        for metric in _objects(holder.get("metrics")):
            for kind in _METRICS:
                data = _object(metric.get(kind))
                if data:
                    yield cvss_score(
                        data.get("vectorString"),
                        data.get("baseScore"),
                        version=data.get("version"),
                        source=by,
                        primary=number == 0,
                    )


def _decision(ssvc: dict[str, Any]) -> list[str]:
    """Return CISA's SSVC decision points in words: `exploitation: active`."""
    pairs = [pair for option in _objects(ssvc.get("options")) for pair in option.items()]
    return [f"{plain(name, 40).lower()}: {plain(value, 40)}" for name, value in pairs if isinstance(value, str)]


def _affected(holders: list[dict[str, Any]]) -> tuple[str | None, str | None]:
    for holder in holders:
        for affected in _objects(holder.get("affected")):
            vendor, product = plain(affected.get("vendor"), 120), plain(affected.get("product"), 200)
            if vendor.lower() not in _UNKNOWN:
                return vendor, None if product.lower() in _UNKNOWN else product
    return None, None


def _english(descriptions: Any) -> str:
    texts = [d.get("value") for d in _objects(descriptions) if str(d.get("lang", "")).lower().startswith("en")]
    return next((text for text in texts if isinstance(text, str)), "")


def _cwes(holders: list[dict[str, Any]]) -> list[str]:
    types = [kind for holder in holders for kind in _objects(holder.get("problemTypes"))]
    named = [d.get("cweId") for kind in types for d in _objects(kind.get("descriptions"))]
    return list(dict.fromkeys(cwe for cwe in named if isinstance(cwe, str) and _CWE.fullmatch(cwe)))


def _references(holders: list[dict[str, Any]]) -> list[str]:
    links = (web_link(each.get("url")) for holder in holders for each in _objects(holder.get("references")))
    return list(dict.fromkeys(link for link in links if link))[:_MOST_REFERENCES]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
