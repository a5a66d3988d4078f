"""Threats for other programs: CSV, JSON and STIX 2.1 of exactly the rows of a list. Pure: runs in a native thread."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from backend.dashboard.threats.merge import Entry
from backend.dashboard.threats.stix_bundle import bundle

_COLUMNS = (
    *("id", "aliases", "title", "severity", "severity_basis", "priority", "priority_reasons", "vendor", "product"),
    *("known_exploited", "ransomware", "cvss_score", "cvss_version", "cvss_vector", "epss", "percentile", "epss_date"),
    *("date_added", "due_date", "published", "updated", "cwes", "tags", "related", "sources", "indicator_count"),
    *("required_action", "summary", "references"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Export:
    """A file."""

    name: str
    content_type: str
    body: bytes


def export(entries: Sequence[Entry], form: str, now: datetime, facts: Mapping[str, Any]) -> Export:
    """Return the file.

    Args:
        form: csv, json or stix.
        now: aware; goes into its name.
        facts: what a reader needs to judge the rows: as_of, stale, sources, the question.
    """
    kind, ending, make = _FORMS[form]
    return Export(f"jupiter-threats-{now:%Y%m%dT%H%M%SZ}.{ending}", kind, make(entries, now, facts))


def _csv(entries: Sequence[Entry], _now: datetime, _facts: Mapping[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows([_cell(entry.record, column) for column in _COLUMNS] for entry in entries)
    return (_BOM + text.getvalue()).encode("utf-8", "replace")  # the mark: spreadsheets take it for Latin-1 otherwise


def _cell(record: Mapping[str, Any], column: str) -> str:
    score = column.startswith("cvss_")
    value = (record["cvss"] or {}).get(column.removeprefix("cvss_")) if score else record[column]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    text = str(value)
    # a spreadsheet would run it as a formula
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _json(entries: Sequence[Entry], now: datetime, facts: Mapping[str, Any]) -> bytes:
    threats = [{**entry.record, "indicators": list(entry.indicators)} for entry in entries]
    return orjson.dumps({"exported_at": now.isoformat(), **facts, "count": len(threats), "threats": threats})


def _stix(entries: Sequence[Entry], now: datetime, _facts: Mapping[str, Any]) -> bytes:
    return orjson.dumps(bundle(entries, now), option=orjson.OPT_INDENT_2)


_FORMS: Mapping[str, tuple[str, str, Callable[..., bytes]]] = {
    "csv": ("text/csv; charset=utf-8", "csv", _csv),
    "json": ("application/json", "json", _json),
    "stix": ("application/stix+json;version=2.1", "stix.json", _stix),
}
