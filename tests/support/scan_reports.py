"""Large scan reports, made up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def trivy(count: int, exploited: Sequence[str] = (), *, text: int = 400) -> bytes:
    """Return a Trivy report of `count` different findings, those of `exploited` among them, spread out."""
    step = max(1, count // (len(exploited) + 1))
    places = {(number + 1) * step: name for number, name in enumerate(exploited)}
    found = [
        _vulnerability(number, places.get(number) or f"CVE-2020-{100_000 + number}", text) for number in range(count)
    ]
    return json.dumps(
        {
            "SchemaVersion": 2,
            "ArtifactName": "registry.example/shop:1.4",
            "Results": [
                {"Target": f"layer {part}", "Type": "debian", "Vulnerabilities": found[part::10]} for part in range(10)
            ],
        }
    ).encode()


def _vulnerability(number: int, name: str, text: int) -> dict[str, Any]:
    severities = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
    return {
        "VulnerabilityID": name,
        "PkgName": f"package-{number % 500}",
        "InstalledVersion": f"1.{number % 17}.{number}",
        "FixedVersion": f"1.{number % 17 + 1}.0",
        "Title": f"package-{number % 500}: something is wrong with it",
        "Description": f"A made-up description. {'x' * text}",
        "Severity": severities[number % 4],
        "CVSS": {
            "nvd": {"V3Score": 4.0 + number % 60 / 10, "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
        },
        "References": [f"https://example.org/{number}/{other}" for other in range(5)],
    }
