"""Findings as CSV or JSON, piece by piece."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

COLUMNS = (
    "vulnerability",
    "title",
    "severity",
    "known_exploited",
    "ransomware",
    "priority",
    "reasons",
    "component",
    "version",
    "fixed_version",
    "location",
    "cvss",
    "epss",
    "due_date",
    "aliases",
    "references",
)
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(findings: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield CSV (RFC 4180) with a head line. What a spreadsheet would take for a formula begins with an apostrophe."""
    yield _line(COLUMNS)
    for finding in findings:
        yield _line([_cell(finding, column) for column in COLUMNS])


def as_json(scan: Mapping[str, Any], findings: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield one JSON object: scan and findings."""
    yield '{"scan":' + orjson.dumps(scan).decode() + ',"findings":['
    for number, finding in enumerate(findings):
        yield (",\n" if number else "\n") + orjson.dumps(finding).decode()
    yield "\n]}\n"


def _line(cells: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _cell(finding: Mapping[str, Any], column: str) -> str:
    value = finding.get(column)
    if column == "cvss":
        value = value["score"] if value else ""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    if isinstance(value, int | float):
        return f"{value:g}"
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text
