"""An invented scan report in the shape of Grype's, so that the panel of a newcomer is not empty.

Some of what it finds is in the simulated catalogue from the start, and one thing comes into it a minute and a half
later: then an alert is raised by itself.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from backend.demo.threats import INITIAL, VENDORS, WEAKNESSES, record_id

FILENAME = "[demo] shop.example, nightly.json"
KNOWN = (7, 24, 41, 58)
LATER = INITIAL + 4
OTHERS = 36
_SEVERITIES = ("Low", "Medium", "Medium", "High", "Critical")


def report(started: datetime) -> bytes:
    """Return the report; `started` is when the demo began."""
    numbers = [*KNOWN, LATER, *(9000 + number for number in range(OTHERS))]
    document = {"matches": [_match(number, started) for number in numbers], "descriptor": {"name": "grype (demo)"}}
    return json.dumps(document).encode()


def _match(number: int, started: datetime) -> dict[str, Any]:
    vendor, product = VENDORS[number % len(VENDORS)]
    weakness, _, effect = WEAKNESSES[number % len(WEAKNESSES)]
    score = round(3.1 + number * 7 % 66 / 10, 1)
    return {
        "vulnerability": {
            "id": record_id(number, started),
            "severity": _SEVERITIES[number % len(_SEVERITIES)],
            "description": f"{weakness} in {vendor} {product} lets attackers {effect}. Invented for the demo.",
            "cvss": [{"version": "3.1", "metrics": {"baseScore": score}}],
            "fix": {"versions": [f"{number % 4 + 1}.{number % 9}.1"], "state": "fixed"},
        },
        "artifact": {
            "name": product.lower().replace(" ", "-"),
            "version": f"{number % 4 + 1}.{number % 9}.0",
            "locations": [{"path": f"/opt/shop/lib/{product.lower().replace(' ', '-')}"}],
        },
    }
