"""One record for each threat out of what the sources say of it. Pure: runs in a native thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from backend.dashboard.threat_priority import priority, severity

Record = dict[str, Any]
Fragments = Mapping[str, Mapping[str, Any]]

_SCALARS = (
    "title",
    "summary",
    "vendor",
    "product",
    "known_exploited",
    "ransomware",
    "required_action",
    "due_date",
    "date_added",
    "published",
    "updated",
    "epss",
    "percentile",
    "epss_date",
)
_LISTS = ("cwes", "references")

SortKey = tuple[int, float, str]


def merge(
    catalogues: Sequence[tuple[str, Fragments]], enrichers: Sequence[tuple[str, Fragments]], today: date
) -> list[Record]:
    """Return the unified records, newest and most likely first.

    Args:
        catalogues: (name, fragments by id) of the sources that name threats, the most trusted first.
        enrichers: the same of those that only add to what others name.
        today: the day in UTC.
    """
    ids = dict.fromkeys(name for _, fragments in catalogues for name in fragments)
    given = [*catalogues, *enrichers]
    records = [_unified(name, [(s, f[name]) for s, f in given if name in f], today) for name in ids]
    records.sort(key=sort_key)
    return records


def sort_key(record: Mapping[str, Any]) -> SortKey:
    """Order by date of adding, newest first, then EPSS, highest first, then id; what is unknown comes last."""
    added = record["date_added"]
    newest = -date.fromisoformat(added).toordinal() if added else 0
    epss = record["epss"]
    return newest, -(epss if epss is not None else -1.0), record["id"]


def _unified(name: str, parts: Sequence[tuple[str, Mapping[str, Any]]], today: date) -> Record:
    record: Record = {"id": name}
    for field in _SCALARS:
        known = (part[field] for _, part in parts if part.get(field) is not None)
        record[field] = next(known, None)
    for field in _LISTS:
        record[field] = list(dict.fromkeys(value for _, part in parts for value in part.get(field, ())))
    record["title"] = record["title"] or name
    record["severity"], record["severity_basis"] = severity(record)
    record["sources"] = [source for source, _ in parts]
    record["priority"], record["priority_reasons"] = priority(record, today)
    return record
