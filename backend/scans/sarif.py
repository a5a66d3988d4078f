"""SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

Severity: `security-severity` of the rule (GitHub's property, a CVSS score as text), else the result's level, else the
rule's default, else `warning` (section 3.27.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.scans.errors import UnreadableScanError
from backend.scans.finding import Finding, make_finding, number
from backend.scans.json_walk import Found, tokens, walk
from backend.scans.reader import ScanFile, items, mapping
from backend.scans.text import ids_in, line, paragraph

VERSION = "2.1.0"
MOST_RULES = 100_000
_LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "info"}
_FINDINGS = frozenset(("fail", "review", "open"))
_MESSAGE = re.compile(r"^(Package|Installed Version|Fixed Version):[ \t]*(\S.{0,200}?)[ \t]*$", re.MULTILINE)
_PASS_ONE = {
    "version": ("version",),
    "tool": ("runs", "*", "tool", "driver", "name"),
    "rule": ("runs", "*", "tool", "driver", "rules", "*"),
    "extension": ("runs", "*", "tool", "extensions", "*", "rules", "*"),
}


@dataclass(slots=True)
class Rule:
    """What a run says about one of its rules."""

    id: str = ""
    title: str = ""
    description: str = ""
    ids: tuple[str, ...] = ()
    level: str = ""
    score: float | None = None
    help_uri: str = ""


class SarifReader:
    """Results of every run; what passed, is suppressed or gone is left out and counted."""

    name = "sarif"
    title = "SARIF"
    passes = 2  # results name rules, which may stand behind them

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """See Reader."""
        tools, by_id, by_place = _rules(file)
        for found in walk(tokens(file.open()), {"result": ("runs", "*", "results", "*")}):
            result, run = mapping(found.value), found.places[0]
            why_not = _left_out(result)
            if why_not:
                file.left_out[why_not] += 1
                continue
            given = mapping(result.get("rule"))
            name = result.get("ruleId") or given.get("id")
            at = result.get("ruleIndex", given.get("index"))
            rule = by_id.get((run, str(name))) or by_place.get((run, at) if isinstance(at, int) else (run, -1))
            made = _finding(result, name, rule or Rule(), tools.get(run, ""))
            if made is None:
                file.left_out["results without a rule"] += 1
            else:
                yield made


def _rules(file: ScanFile) -> tuple[dict[int, str], dict[tuple[int, str], Rule], dict[tuple[int, int], Rule]]:
    tools: dict[int, str] = {}
    by_id: dict[tuple[int, str], Rule] = {}
    by_place: dict[tuple[int, int], Rule] = {}
    for found in walk(tokens(file.open()), _PASS_ONE):
        if found.kind == "version" and found.value != VERSION:
            raise UnreadableScanError(f"SARIF {line(found.value, 20) or 'of an unknown version'}; {VERSION} is read")
        if found.kind == "tool":
            tools[found.places[0]] = line(found.value, 100)
        elif found.kind in ("rule", "extension") and len(by_id) < MOST_RULES:
            _note(found, by_id, by_place)
    file.tool = ", ".join(dict.fromkeys(filter(None, tools.values())))[:200]
    return tools, by_id, by_place


def _note(found: Found, by_id: dict[tuple[int, str], Rule], by_place: dict[tuple[int, int], Rule]) -> None:
    said = mapping(found.value)
    rule, run = _rule(said), found.places[0]
    by_id.setdefault((run, str(said.get("id"))), rule)
    if found.kind == "rule":
        by_place[(run, found.places[-1])] = rule


def _rule(said: Mapping[str, Any]) -> Rule:
    properties = mapping(said.get("properties"))
    short, full = _text(said.get("shortDescription")), _text(said.get("fullDescription"))
    texts = (said.get("id"), said.get("name"), short, *items(properties.get("tags")))
    return Rule(
        id=line(said.get("id"), 200),
        title=line(short, 300) or line(said.get("name"), 300),
        description=paragraph(full if len(full) > 1 else _text(said.get("help")), 4000),
        ids=tuple(found for text in texts for found in ids_in(text)),
        level=str(mapping(said.get("defaultConfiguration")).get("level") or ""),
        score=number(properties.get("security-severity"), 10),
        help_uri=str(said.get("helpUri") or ""),
    )


def _left_out(result: Mapping[str, Any]) -> str:
    if str(result.get("kind", "fail")) not in _FINDINGS:
        return "results that are no findings"
    if result.get("baselineState") == "absent":
        return "results that are gone"
    stated = [mapping(each).get("status", "accepted") for each in items(result.get("suppressions"))]
    return "results that are suppressed" if "accepted" in stated else ""


def _finding(result: Mapping[str, Any], name: Any, rule: Rule, tool: str) -> Finding | None:
    message = _text(result.get("message"))
    said = dict(_MESSAGE.findall(message))  # Trivy and others write package and versions into the message
    properties = mapping(result.get("properties"))
    own = number(properties.get("security-severity"), 10)
    score = rule.score if own is None else own
    level = result.get("level") or rule.level or "warning"
    return make_finding(
        name or rule.id,
        ids=rule.ids,
        title=rule.title or message,
        description=message if message and message != rule.title else rule.description,
        severity=None if score else _LEVELS.get(str(level), "unknown"),
        component=said.get("Package", ""),
        version=said.get("Installed Version", ""),
        fixed_version=said.get("Fixed Version", ""),
        location=_location(result),
        cvss_score=score,
        references=[rule.help_uri],
        tool=tool,
    )


def _location(result: Mapping[str, Any]) -> str:
    first = mapping(next(iter(items(result.get("locations"))), None))
    physical = mapping(first.get("physicalLocation"))
    uri = mapping(physical.get("artifactLocation")).get("uri")
    if isinstance(uri, str) and uri:
        start = mapping(physical.get("region")).get("startLine")
        return f"{uri}:{start}" if isinstance(start, int) else uri
    logical = mapping(next(iter(items(first.get("logicalLocations"))), None))
    return line(logical.get("fullyQualifiedName") or logical.get("name"), 1000)


def _text(message: Any) -> str:
    said = mapping(message)
    told = said.get("text") or said.get("markdown")
    return told if isinstance(told, str) else ""
