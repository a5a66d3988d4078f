"""Invented exploited vulnerabilities in the shapes of the CISA KEV catalogue and of FIRST's EPSS API.

Every id begins with DEMO- and every vendor ends with (demo): nothing here can be mistaken for a real record.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Any

VENDORS = (
    ("Example Router Co. (demo)", "EdgeBox 500"),
    ("Sample Mail GmbH (demo)", "PostRoom Server"),
    ("Placeholder Cloud Inc. (demo)", "Stack Console"),
    ("Fictional VPN Ltd. (demo)", "TunnelGate"),
    ("Imaginary Software AG (demo)", "Ledger Suite"),
    ("Pretend Devices KK (demo)", "CamView NVR"),
    ("Nowhere Networks (demo)", "Switch OS"),
    ("Madeup Hosting SA (demo)", "Panel Nine"),
)
WEAKNESSES = (
    ("Command Injection", "CWE-78", "run commands on the device without signing in"),
    ("Authentication Bypass", "CWE-287", "reach the administration pages without a password"),
    ("Path Traversal", "CWE-22", "read files outside the web folder"),
    ("Deserialization of Untrusted Data", "CWE-502", "run code by sending a crafted object"),
    ("Use-After-Free", "CWE-416", "raise their privileges on the machine"),
    ("SQL Injection", "CWE-89", "read and change the product's database"),
    ("Server-Side Request Forgery", "CWE-918", "reach services inside the network"),
)
INITIAL = 60
NEW_EVERY = timedelta(seconds=20)
KEPT = 400
SPACING = timedelta(hours=30)


def record_id(number: int, started: datetime) -> str:
    """Return the id of the nth record, counted from 1."""
    return f"DEMO-{started.year}-{number:04d}"


def count_at(now: datetime, started: datetime) -> int:
    """Return how many records exist at `now`: those of the start and one more every NEW_EVERY."""
    return INITIAL + max(0, int((now - started) / NEW_EVERY))


def catalogue(now: datetime, started: datetime) -> dict[str, Any]:
    """Return the catalogue as it stands at `now`, newest first, with at most KEPT records."""
    total = count_at(now, started)
    first = max(1, total - KEPT + 1)
    records = [_record(number, started) for number in range(total, first - 1, -1)]
    released = started + max(0, total - INITIAL) * NEW_EVERY
    return {
        "title": "Simulated Catalogue of Exploited Vulnerabilities (demo)",
        "catalogVersion": f"{released:%Y.%m.%d}-demo.{total}",
        "dateReleased": f"{released:%Y-%m-%dT%H:%M:%S.000Z}",
        "count": len(records),
        "vulnerabilities": records,
    }


def _record(number: int, started: datetime) -> dict[str, Any]:
    vendor, product = VENDORS[number % len(VENDORS)]
    weakness, cwe, effect = WEAKNESSES[number % len(WEAKNESSES)]
    age = max(0, INITIAL - number) * SPACING
    added = (started + max(0, number - INITIAL) * NEW_EVERY - age).date()
    ransomware = number % 4 == 0
    return {
        "cveID": record_id(number, started),
        "vendorProject": vendor,
        "product": product,
        "vulnerabilityName": f"{vendor} {product} {weakness} Vulnerability",
        "dateAdded": added.isoformat(),
        "shortDescription": f"Invented for the demo: {product} contains a flaw that would let attackers {effect}.",
        "requiredAction": "None: this record is simulated. A real one would say which update to apply.",
        "dueDate": (added + timedelta(days=7 if ransomware else 21)).isoformat(),
        "knownRansomwareCampaignUse": "Known" if ransomware else "Unknown",
        "notes": f"https://example.com/demo/{record_id(number, started)}",
        "cwes": [cwe],
    }


def scores(now: datetime, started: datetime, *, ids: list[str], limit: int, offset: int) -> dict[str, Any]:
    """Return a page of scores in the shape of the EPSS API, whose numbers are strings.

    Args:
        ids: those asked for; none for all.
        limit: largest number of rows.
        offset: rows to leave out.
    """
    total = count_at(now, started)
    known = [record_id(number, started) for number in range(max(1, total - KEPT + 1), total + 1)]
    wanted = [name for name in ids if name in set(known)] if ids else known
    rows = [_score(name, now) for name in wanted[offset : offset + limit]]
    return {
        "status": "OK",
        "status-code": 200,
        "version": "1.0",
        "access": "public",
        "total": len(wanted),
        "offset": offset,
        "limit": limit,
        "data": rows,
    }


def _score(name: str, now: datetime) -> dict[str, str]:
    spread = zlib.crc32(name.encode()) % 10_000 / 10_000
    return {
        "cve": name,
        "epss": f"{min(0.99, spread**3 + 0.002):.9f}",
        "percentile": f"{0.05 + 0.94 * spread:.9f}",
        "date": now.date().isoformat(),
    }
