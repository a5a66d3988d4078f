"""One record for each threat out of what the sources say of it. Pure: runs in a native thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from backend.dashboard.threats.aliases import Fragments, same_threats
from backend.dashboard.threats.priority import priority, severity
from backend.sources.cvss_scores import believed

Record = dict[str, Any]
Part = tuple[str, Mapping[str, Any]]
"""A source's name and what it says of the threat."""

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
_LISTS = ("cwes", "references", "tags", "related")
_RATERS = {"ghsa": "GitHub", "misp": "the event's author"}
MOST_OF_A_LIST = 40

SortKey = tuple[int, float, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with what it was made of: as long as that is the same, the record is too, and what it is found by."""

    record: Record
    parts: tuple[Part, ...]
    indicators: Sequence[Mapping[str, str]]
    mentions: int = 0
    text: str = ""
    words: tuple[str, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)


def grouped(
    catalogues: Sequence[tuple[str, Fragments]], enrichers: Sequence[tuple[str, Fragments]]
) -> tuple[dict[str, tuple[Part, ...]], dict[str, str]]:
    """Return the parts of each threat, the most trusted first, and the ids of other names.

    Args:
        catalogues: (name, fragments by id) of the sources that name threats, the most trusted first.
        enrichers: the same of those that only add to what others name.
    """
    other_names = same_threats(catalogues)
    threats: dict[str, list[Part]] = {}
    for source, fragments in catalogues:
        for name, fragment in fragments.items():
            threats.setdefault(other_names.get(name, name), []).append((source, fragment))
    for source, fragments in enrichers:
        for name, fragment in fragments.items():
            parts = threats.get(other_names.get(name, name))
            if parts is not None:
                parts.append((source, fragment))
    return {name: tuple(parts) for name, parts in threats.items()}, other_names


def made(name: str, parts: tuple[Part, ...], aliases: Sequence[str], today: date, mentions: int = 0) -> Entry:
    """Return the entry of one threat.

    Args:
        aliases: its other names.
        today: the day in UTC.
        mentions: how often the community named it within a day.
    """
    record: Record = {"id": name, "aliases": list(aliases)}
    for scalar in _SCALARS:
        known = (part[scalar] for _, part in parts if part.get(scalar) is not None)
        record[scalar] = next(known, None)
    for listed in _LISTS:
        joined = dict.fromkeys(value for _, part in parts for value in part.get(listed, ()))
        record[listed] = list(joined)[:MOST_OF_A_LIST]
    # a title that was cut out of a description only where nobody gives a real one
    record["title"] = record["title"] or next((p["derived_title"] for _, p in parts if p.get("derived_title")), name)
    record["updated"] = max((part["updated"] for _, part in parts if part.get("updated")), default=None)
    record["cvss"] = believed(part.get("cvss") for _, part in parts)
    rated = next(((p["rated"], _RATERS.get(source, source)) for source, p in parts if p.get("rated")), None)
    record["severity"], record["severity_basis"] = severity(record, rated)
    record["sources"] = list(dict.fromkeys(source for source, _ in parts))
    record["indicator_count"] = sum(part.get("indicator_count", 0) for _, part in parts)
    record["priority"], record["priority_reasons"] = priority(record, today, mentions)
    return Entry(record, parts, [each for _, part in parts for each in part.get("indicators", ())], mentions)


def merge(
    catalogues: Sequence[tuple[str, Fragments]], enrichers: Sequence[tuple[str, Fragments]], today: date
) -> list[Record]:
    """Return the unified records, newest and most likely first; arguments as for `grouped` and `made`."""
    threats, other_names = grouped(catalogues, enrichers)
    aliases = aliases_of(other_names)
    records = [made(name, parts, aliases.get(name, ()), today).record for name, parts in threats.items()]
    records.sort(key=sort_key)
    return records


def aliases_of(other_names: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the other names of each threat that has any."""
    aliases: dict[str, list[str]] = {}
    for alias, name in other_names.items():
        aliases.setdefault(name, []).append(alias)
    return {name: sorted(found) for name, found in aliases.items()}


def news_day(record: Mapping[str, Any]) -> int:
    """Return the day (ordinal) on which a catalogue took a record in, or it was published; 0 where it is unknown."""
    told = record["date_added"] or record["published"] or (record["updated"] or "")[:10]
    return date.fromisoformat(told[:10]).toordinal() if told else 0


def sort_key(record: Mapping[str, Any]) -> SortKey:
    """Order by news day, newest first, then EPSS, highest first, then id; what is unknown comes last."""
    epss = record["epss"]
    return -news_day(record), -(epss if epss is not None else -1.0), record["id"]
