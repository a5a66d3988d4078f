"""Indicators of one malware family as one record: a thousand addresses a day are no list that anybody reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.sources.base import Fragment
from backend.sources.indicators import MOST, distinct

_NOT_IN_ID = re.compile(r"[^A-Z0-9.]+")
_MOST_TAGS, _MOST_LINKS = 20, 10


@dataclass(frozen=True, slots=True)
class Sighting:
    """One indicator that somebody reported for a family; `seen` is aware."""

    family: str
    indicator: dict[str, str]
    seen: datetime | None = None
    tags: tuple[str, ...] = ()
    link: str | None = None
    kind: str = ""


def records(prefix: str, publisher: str, sightings: Iterable[Sighting]) -> dict[str, Fragment]:
    """Return one fragment for each family.

    Args:
        prefix: of the ids, e.g. URLHAUS.
        publisher: its name for people.
    """
    families: dict[str, list[Sighting]] = {}
    for sighting in sightings:
        families.setdefault(_id(prefix, sighting.family), []).append(sighting)
    return {name: _record(publisher, found) for name, found in families.items()}


def _record(publisher: str, found: list[Sighting]) -> dict[str, Any]:
    found.sort(key=lambda each: each.seen.timestamp() if each.seen else 0.0, reverse=True)
    dates = [each.seen for each in found if each.seen]
    indicators = distinct(each.indicator for each in found)
    kinds = list(dict.fromkeys(each.kind for each in found if each.kind))
    family = found[0].family
    return {
        "title": f"{family}: {len(indicators):,} {'indicator' if len(indicators) == 1 else 'indicators'}",
        "summary": f"{', '.join(kinds) or 'Malware'} that was reported to {publisher} lately.",
        "published": min(dates).date().isoformat() if dates else None,
        "updated": max(dates).replace(microsecond=0).isoformat() if dates else None,
        "tags": list(dict.fromkeys(tag for each in found for tag in (family, *each.tags) if tag))[:_MOST_TAGS],
        "references": list(dict.fromkeys(each.link for each in found if each.link))[:_MOST_LINKS],
        "indicators": indicators[:MOST],
        "indicator_count": len(indicators),
    }


def _id(prefix: str, family: str) -> str:
    return f"{prefix}-{_NOT_IN_ID.sub('-', family.upper()).strip('-')[:60] or 'UNKNOWN'}"
