"""All threats as they stood at one moment: immutable, so that a page is never half of one state and half of another."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from backend.dashboard.threat_cursor import decode, encode
from backend.dashboard.threat_merge import Fragments, Record, SortKey, merge, sort_key
from backend.dashboard.threat_names import names_of
from backend.schemas.threats import DEFAULT_LIMIT

_WORD = re.compile(r"[a-z0-9][a-z0-9.+#-]*[a-z0-9+#]|[a-z0-9]{2,}")


@dataclass(frozen=True, slots=True)
class ThreatQuery:
    """Which threats are wanted; see ThreatQuerySchema."""

    severity: str | None = None
    source: str | None = None
    search: str | None = None
    known_exploited: bool | None = None
    ransomware: bool | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    force_refresh: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the records that match."""

    records: list[Record]
    total: int
    next_cursor: str | None


@dataclass(frozen=True)
class Snapshot:
    """The records in their order, with what finding them needs: texts to search in, and the places of each word."""

    records: Sequence[Record] = ()
    keys: Sequence[SortKey] = ()
    texts: Sequence[str] = ()
    places: Mapping[str, Sequence[int]] = field(default_factory=dict)
    by_id: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def page(self, query: ThreatQuery) -> Page:
        """Return the page that `query` asks for.

        Raises:
            ValidationError: its cursor is not one of ours.
        """
        start = bisect_right(self.keys, decode(query.cursor)) if query.cursor else 0
        words = (query.search or "").lower().split()
        matching = [at for at, record in enumerate(self.records) if _matches(record, query)]
        if words:
            matching = [at for at in matching if all(word in self.texts[at] for word in words)]
        rest = [at for at in matching if at >= start]
        shown = rest[: query.limit]
        more = encode(self.keys[shown[-1]]) if len(rest) > len(shown) else None
        return Page([dict(self.records[at]) for at in shown], len(matching), more)


def _matches(record: Record, query: ThreatQuery) -> bool:
    if query.severity is not None and record["severity"] != query.severity:
        return False
    if query.source is not None and query.source not in record["sources"]:
        return False
    if query.known_exploited is not None and bool(record["known_exploited"]) != query.known_exploited:
        return False
    return query.ransomware is None or bool(record["ransomware"]) == query.ransomware


def take_snapshot(
    catalogues: Sequence[tuple[str, Fragments]], enrichers: Sequence[tuple[str, Fragments]], today: date
) -> Snapshot:
    """Merge what the sources gave; arguments as in `merge`. Pure: runs in a native thread."""
    records = merge(catalogues, enrichers, today)
    texts = [_text(record) for record in records]
    return Snapshot(
        records=records,
        keys=[sort_key(record) for record in records],
        texts=texts,
        places=_places(texts),
        by_id={record["id"]: at for at, record in enumerate(records)},
        names=names_of(records),
    )


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text in small letters, for finding it by them."""
    return frozenset(_WORD.findall(text))


def _places(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return for each word where it occurs. Plain tuples of numbers: the garbage collector does not look into them."""
    found: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        for word in words_in(text):
            found.setdefault(word, []).append(at)
    return {word: tuple(places) for word, places in found.items()}


def _text(record: Record) -> str:
    """Return what the search looks at."""
    fields = (record["id"], record["title"], record["vendor"], record["product"], record["summary"])
    return " ".join(filter(None, fields)).lower()
