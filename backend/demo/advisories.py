"""Invented records in the shapes of the NVD's CVE API 2.0 and of GitHub's advisories, about the same threats and more.

The scores of the exploited ones come from here, as they do in earnest; beside them stand some that nobody exploits.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.demo.threats import INITIAL, KEPT, NEW_EVERY, SPACING, VENDORS, WEAKNESSES, count_at, record_id

OTHERS, FIRST_OTHER = 40, 7001
VECTORS = (
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, "CRITICAL"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, "CRITICAL"),
    ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 8.8, "HIGH"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, "MEDIUM"),
    ("CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N", 2.5, "LOW"),
)
ECOSYSTEMS = ("pip", "npm", "maven", "go")
EVERY_THIRD = 3


def nvd_page(query: Mapping[str, str], now: datetime, started: datetime) -> dict[str, Any]:
    """Return a page of the CVE API: the exploited ones (hasKev), or those that changed in the window."""
    exploited = "hasKev" in query or "lastModStartDate" not in query
    records = _exploited(now, started) if exploited else [*_exploited(now, started), *_others(started)]
    if not exploited:
        first, last = _time(query.get("lastModStartDate")), _time(query.get("lastModEndDate"))
        records = [each for each in records if first <= _time(each["lastModified"]) <= last]
    start, most = _number(query.get("startIndex"), 0), _number(query.get("resultsPerPage"), 2000)
    page = records[start : start + most]
    return {
        "resultsPerPage": len(page),
        "startIndex": start,
        "totalResults": len(records),
        "format": "NVD_CVE",
        "version": "2.0",
        "timestamp": _stamp(now),
        "vulnerabilities": [{"cve": each} for each in page],
    }


def advisories(query: Mapping[str, str], now: datetime, started: datetime) -> list[dict[str, Any]]:
    """Return advisories about every third threat, those that changed last first."""
    total = count_at(now, started)
    chosen = [n for n in range(total, max(0, total - KEPT), -1) if n % EVERY_THIRD == 0]
    return [_advisory(number, started) for number in chosen[: _number(query.get("per_page"), 30)]]


def _exploited(now: datetime, started: datetime) -> list[dict[str, Any]]:
    total = count_at(now, started)
    return [_cve(number, _changed(number, started), started) for number in range(max(1, total - KEPT + 1), total + 1)]


def _others(started: datetime) -> list[dict[str, Any]]:
    """Return records that nobody exploits, from the last days."""
    return [_cve(FIRST_OTHER + number, started - timedelta(hours=3 * number + 1), started) for number in range(OTHERS)]


def _changed(number: int, started: datetime) -> datetime:
    return started + max(0, number - INITIAL) * NEW_EVERY - max(0, INITIAL - number) * SPACING


def _cve(number: int, changed: datetime, started: datetime) -> dict[str, Any]:
    vendor, product = VENDORS[number % len(VENDORS)]
    weakness, cwe, effect = WEAKNESSES[number % len(WEAKNESSES)]
    name = record_id(number, started)
    vector, score, severity = VECTORS[_chosen(name, len(VECTORS)) if number >= FIRST_OTHER else number % 3]
    slug = product.lower().replace(" ", "_")
    return {
        "id": name,
        "sourceIdentifier": "demo@example.com",
        "published": _stamp(changed - timedelta(hours=1)),
        "lastModified": _stamp(changed),
        "vulnStatus": "Analyzed",
        "descriptions": [
            {"lang": "en", "value": f"{product} has a {weakness.lower()}. Invented for the demo: attackers {effect}."}
        ],
        "metrics": {
            "cvssMetricV31": [
                {
                    "source": "demo@example.com",
                    "type": "Primary",
                    "cvssData": {
                        "version": "3.1",
                        "vectorString": vector,
                        "baseScore": score,
                        "baseSeverity": severity,
                    },
                }
            ]
        },
        "weaknesses": [{"type": "Primary", "description": [{"lang": "en", "value": cwe}]}],
        "configurations": [
            {"nodes": [{"cpeMatch": [{"vulnerable": True, "criteria": _cpe(vendor, slug)}]}]},
        ],
        "references": [{"url": f"https://example.com/demo/nvd/{name}"}],
    }


def _cpe(vendor: str, product: str) -> str:
    return f"cpe:2.3:a:{vendor.replace(' ', '_').replace(':', '')}:{product}:*:*:*:*:*:*:*:*"


def _advisory(number: int, started: datetime) -> dict[str, Any]:
    _, product = VENDORS[number % len(VENDORS)]
    weakness, cwe, effect = WEAKNESSES[number % len(WEAKNESSES)]
    name, changed = f"GHSA-demo-{number:04d}-demo", _changed(number, started)
    vector, score, severity = VECTORS[number % 3]
    package = f"example-{product.lower().replace(' ', '-')}"
    stamp = f"{changed:%Y-%m-%dT%H:%M:%SZ}"
    return {
        "ghsa_id": name,
        "cve_id": record_id(number, started),
        "html_url": f"https://example.com/demo/advisories/{name}",
        "summary": f"[demo] {package}: {weakness}",
        "description": f"Invented for the demo: whoever uses {package} lets attackers {effect}.",
        "type": "reviewed",
        "severity": severity.lower(),
        "references": [f"https://example.com/demo/{name}"],
        "published_at": stamp,
        "updated_at": stamp,
        "withdrawn_at": None,
        "vulnerabilities": [{"package": {"ecosystem": ECOSYSTEMS[number % len(ECOSYSTEMS)], "name": package}}],
        "cvss_severities": {
            "cvss_v3": {"vector_string": vector, "score": score},
            "cvss_v4": {"vector_string": None, "score": 0.0},
        },
        "cwes": [{"cwe_id": cwe, "name": weakness}],
    }


def _chosen(name: str, of: int) -> int:
    return zlib.crc32(name.encode()) % of


def _stamp(moment: datetime) -> str:
    """Return a time as the NVD writes it: UTC, and no zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _time(text: str | None) -> datetime:
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default
