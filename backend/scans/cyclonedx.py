"""CycloneDX in JSON, versions 1.4 to 1.7: https://cyclonedx.org/docs/1.6/json/ (vulnerabilities, affects, ratings)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from backend.scans.finding import Finding, make_finding, number
from backend.scans.json_walk import tokens, walk
from backend.scans.reader import ScanFile, items, mapping
from backend.scans.text import line

MOST_COMPONENTS = 200_000
_SETTLED = frozenset(("resolved", "resolved_with_pedigree", "false_positive", "not_affected"))
_METHODS = {"CVSSv4": 4, "CVSSv31": 3, "CVSSv3": 2, "CVSSv2": 1}


class Component(NamedTuple):
    """What a bom-ref stands for."""

    name: str
    version: str
    purl: str


class CycloneDxReader:
    """Vulnerabilities, one finding for each component affected. Components alone give no finding: that is told."""

    name = "cyclonedx"
    title = "CycloneDX"
    passes = 2  # vulnerabilities name components by reference, and may stand before them

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """See Reader."""
        file.tool = "CycloneDX"
        known: dict[str, Component] = {}
        for found in walk(tokens(file.open()), {"c": ("components", "*"), "m": ("metadata", "component")}):
            _note(mapping(found.value), known, 0)
        told = 0
        for found in walk(tokens(file.open()), {"vulnerability": ("vulnerabilities", "*")}):
            told += 1
            said = mapping(found.value)
            if str(mapping(said.get("analysis")).get("state")) in _SETTLED:
                file.left_out["vulnerabilities that the document says are settled"] += 1
                continue
            yield from _findings(said, known, file)
        if not told:
            file.left_out["components, and no vulnerability: there is nothing to join"] += max(1, len(known))


def _note(said: Mapping[str, Any], known: dict[str, Component], depth: int) -> None:
    ref = said.get("bom-ref") or said.get("purl")
    if isinstance(ref, str) and len(known) < MOST_COMPONENTS:
        group, name = line(said.get("group"), 200), line(said.get("name"), 200)
        full = f"{group}/{name}" if group else name
        known[ref[:1000]] = Component(full, line(said.get("version"), 200), line(said.get("purl"), 500))
    if depth < 16:
        for inner in items(said.get("components")):
            _note(mapping(inner), known, depth + 1)


def _findings(said: Mapping[str, Any], known: Mapping[str, Component], file: ScanFile) -> Iterator[Finding]:
    best = _rating(said)
    affected = [mapping(each) for each in items(said.get("affects"))] or [{}]
    for each in affected:
        if not _is_affected(each):
            file.left_out["components that the document says are not affected"] += 1
            continue
        ref = each.get("ref") if isinstance(each.get("ref"), str) else ""
        component = known.get(str(ref)[:1000]) or Component(str(ref), "", "")
        made = make_finding(
            said.get("id"),
            ids=[mapping(r).get("id") for r in items(said.get("references"))],
            title=said.get("detail") if isinstance(said.get("detail"), str) and len(said["detail"]) < 200 else "",
            description=said.get("description"),
            severity=best.get("severity"),
            component=component.name,
            version=component.version or _version(each),
            fixed_version="",
            purl=component.purl,
            cvss_score=best.get("score"),
            cvss_vector=best.get("vector"),
            references=[
                mapping(said.get("source")).get("url"),
                *(mapping(advisory).get("url") for advisory in items(said.get("advisories"))),
            ],
            tool="CycloneDX",
        )
        if made is None:
            file.left_out["records without an id"] += 1
        else:
            yield made


def _rating(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The rating by the newest CVSS, with the first severity that any of them tells."""
    ratings = [mapping(each) for each in items(said.get("ratings"))]
    scored = [
        each for each in ratings if number(each.get("score"), 10) is not None and str(each.get("method")) in _METHODS
    ]
    best = max(scored, key=lambda each: _METHODS[each["method"]], default={})
    told = best.get("severity") or next((each["severity"] for each in ratings if each.get("severity")), None)
    return {**best, "severity": told}


def _is_affected(affected: Mapping[str, Any]) -> bool:
    """Unless every version that is named is said not to be: what is said of none is affected."""
    states = [mapping(each).get("status", "affected") for each in items(affected.get("versions"))]
    return not states or any(state != "unaffected" for state in states)


def _version(affected: Mapping[str, Any]) -> Any:
    versions = [mapping(each) for each in items(affected.get("versions"))]
    return next((each.get("version") for each in versions if each.get("status", "affected") == "affected"), "")
