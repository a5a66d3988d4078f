"""Grype's JSON report: https://github.com/anchore/grype, `grype -o json` (document with `matches`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.scans.finding import Finding, make_finding, number
from backend.scans.json_walk import tokens, walk
from backend.scans.reader import ScanFile, items, mapping

_PATHS = {"match": ("matches", "*"), "ignored": ("ignoredMatches", "*")}


class GrypeReader:
    """Matches; those that the scanner's own rules ignore are left out and counted."""

    name = "grype"
    title = "Grype"
    passes = 1

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """See Reader."""
        file.tool = "Grype"
        for found in walk(tokens(file.open()), _PATHS):
            if found.kind == "ignored":
                file.left_out["matches that the scanner's rules ignore"] += 1
                continue
            made = _match(mapping(found.value))
            if made is None:
                file.left_out["records without an id"] += 1
            else:
                yield made


def _match(match: Mapping[str, Any]) -> Finding | None:
    said, artifact = mapping(match.get("vulnerability")), mapping(match.get("artifact"))
    related = [mapping(each) for each in items(match.get("relatedVulnerabilities"))]
    score, vector = _cvss([said, *related])
    epss = mapping(next(iter(items(said.get("epss"))), None))
    return make_finding(
        said.get("id"),
        ids=[each.get("id") for each in related],
        title="",
        description=said.get("description") or next((r["description"] for r in related if r.get("description")), ""),
        severity=said.get("severity"),
        component=artifact.get("name"),
        version=artifact.get("version"),
        fixed_version=", ".join(v for v in items(mapping(said.get("fix")).get("versions")) if isinstance(v, str)),
        purl=artifact.get("purl"),
        location=next((mapping(each).get("path") for each in items(artifact.get("locations"))), ""),
        cvss_score=score,
        cvss_vector=vector,
        epss=epss.get("epss"),
        percentile=epss.get("percentile"),
        known_exploited=True if items(said.get("knownExploited")) else None,
        references=[said.get("dataSource"), *items(said.get("urls"))],
        tool="Grype",
    )


def _cvss(records: list[dict[str, Any]]) -> tuple[float | None, Any]:
    """The newest version of CVSS that any of the records gives a score for."""
    given = [mapping(each) for record in records for each in items(record.get("cvss"))]
    scored = [
        (str(each.get("version", "")), number(mapping(each.get("metrics")).get("baseScore"), 10), each)
        for each in given
    ]
    known = [(version, score, each) for version, score, each in scored if score is not None]
    if not known:
        return None, None
    _, score, best = max(known, key=lambda each: (each[0], each[1]))
    return score, best.get("vector")
