"""SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

Severity: `security-severity` of the rule (GitHub's property, a CVSS score as text), else the result's level, else the
rule's default, else `warning` (section 3.27.10). Vulnerability: the first id of the rule's names, title and tags, else
of the result's properties, taxa and message, else of the rule's description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from backend.scans.finding import Finding, make_finding, number
from backend.scans.json_walk import tokens, walk
from backend.scans.reader import ScanFile, items, mapping
from backend.scans.sarif_rules import Rule, Surroundings, read_surroundings, text_of
from backend.scans.text import ids_in, line

_LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "info"}
_FINDINGS = frozenset(("fail", "review", "open"))
_MESSAGE = re.compile(r"^(Package|Installed Version|Fixed Version):[ \t]*(\S.{0,200}?)[ \t]*$", re.MULTILINE)


class SarifReader:
    """Results of every run; what passed, is suppressed or gone is left out and counted."""

    name = "sarif"
    title = "SARIF"
    passes = 2  # results name rules, which may stand behind them

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """See Reader."""
        around = read_surroundings(file)
        for found in walk(tokens(file.open()), {"result": ("runs", "*", "results", "*")}):
            result = mapping(found.value)
            why_not = _left_out(result)
            if why_not:
                file.left_out[why_not] += 1
                continue
            made = _finding(result, found.places[0], around)
            if made is None:
                file.left_out["results without a rule"] += 1
            else:
                yield made


def _left_out(result: Mapping[str, Any]) -> str:
    if str(result.get("kind", "fail")) not in _FINDINGS:
        return "results that are no findings"
    if result.get("baselineState") == "absent":
        return "results that are gone"
    stated = [mapping(each).get("status", "accepted") for each in items(result.get("suppressions"))]
    return "results that are suppressed" if "accepted" in stated else ""


def _finding(result: Mapping[str, Any], run: int, around: Surroundings) -> Finding | None:
    rule = around.rule(run, result)
    message = text_of(result.get("message"))
    said = dict(_MESSAGE.findall(message))  # Trivy and others write package and versions into the message
    own = number(mapping(result.get("properties")).get("security-severity"), 10)
    score = rule.score if own is None else own
    name = result.get("ruleId") or mapping(result.get("rule")).get("id") or rule.id
    level = result.get("level") or rule.level or "warning"
    return make_finding(
        name,
        ids=rule.ids if rule.ids or ids_in(name) else _mentioned(result, message, rule),
        title=rule.title or message,
        description=message if message and message != rule.title else rule.description,
        severity=None if score else _LEVELS.get(str(level), "unknown"),
        component=said.get("Package", ""),
        version=said.get("Installed Version", ""),
        fixed_version=said.get("Fixed Version", ""),
        location=_location(result, run, around),
        cvss_score=score,
        references=[rule.help_uri],
        tool=around.tools.get(run, ""),
    )


def _mentioned(result: Mapping[str, Any], message: str, rule: Rule) -> list[str]:
    """The ids of the first place that tells any, for results whose rule is not called after a vulnerability."""
    properties = [
        text
        for value in mapping(result.get("properties")).values()
        for text in (value if isinstance(value, list) else [value])
    ]
    taxa = [mapping(each).get("id") for each in items(result.get("taxa"))]
    for texts in (properties, taxa, [message], rule.mentioned):
        found = [name for text in texts for name in ids_in(text)]
        if found:
            return found
    return []


def _location(result: Mapping[str, Any], run: int, around: Surroundings) -> str:
    first = mapping(next(iter(items(result.get("locations"))), None))
    physical = mapping(first.get("physicalLocation"))
    uri = around.file(run, mapping(physical.get("artifactLocation")))
    if uri:
        start = mapping(physical.get("region")).get("startLine")
        return f"{uri}:{start}" if isinstance(start, int) else uri
    logical = mapping(next(iter(items(first.get("logicalLocations"))), None))
    return line(logical.get("fullyQualifiedName") or logical.get("name"), 1000)
