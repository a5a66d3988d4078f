"""All threats as they stood at one moment: immutable, so that a page is never half of one state and half of another."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from sys import intern
from typing import Any

from backend.dashboard.threats.aliases import Fragments
from backend.dashboard.threats.cursor import decode, encode
from backend.dashboard.threats.merge import Entry, Record, aliases_of, grouped, made
from backend.dashboard.threats.names import names_of
from backend.dashboard.threats.orders import ORDERS, RELEVANCE, Key
from backend.dashboard.threats.query import ThreatQuery

__all__ = ["Page", "Snapshot", "ThreatQuery", "take_snapshot", "words_in"]

_WORD = re.compile(r"[a-z0-9][a-z0-9.+#-]*[a-z0-9+#]|[a-z0-9]{2,}")
FIRST_ORDER = "newest"


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the records that match."""

    records: list[Record]
    total: int
    next_cursor: str | None


@dataclass(frozen=True)
class Snapshot:
    """The records, newest first, with what finding them needs.

    `orders` hold keys and places in each order, `texts` what a plain search looks at, `places` those of each word,
    `by_id` the place of each id and alias.
    """

    records: Sequence[Record] = ()
    entries: Mapping[str, Entry] = field(default_factory=dict)
    orders: Mapping[str, tuple[Sequence[Key], Sequence[int]]] = field(default_factory=dict)
    texts: Sequence[str] = ()
    places: Mapping[str, Sequence[int]] = field(default_factory=dict)
    by_id: Mapping[str, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def page(self, query: ThreatQuery, hits: Mapping[str, float] | None = None) -> Page:
        """Return the page that `query` asks for.

        Args:
            hits: what the index found for its search, by id with its rank, the smaller the better; without it the
                words are looked for in the texts.

        Raises:
            ValidationError: its cursor is not one of ours.
        """
        keys, places = self._matching(query, hits)
        start = bisect_right(keys, decode(query.cursor, query.order)) if query.cursor else 0
        shown = places[start : start + query.limit]
        last = start + len(shown)
        more = encode(query.order, keys[last - 1]) if shown and last < len(places) else None
        return Page([dict(self.records[at]) for at in shown], len(places), more)

    def _matching(self, query: ThreatQuery, hits: Mapping[str, float] | None) -> tuple[Sequence[Key], Sequence[int]]:
        """Return keys and places of all that match, in the order that is asked for."""
        order, words = query.order, query.words
        if words and hits is None:
            hits = dict.fromkeys(self._containing(words.lower().split()), 0.0)
        if not self.records:
            return (), ()
        keys, places = self._found(hits or {}) if order == RELEVANCE else self.orders[order]
        if not query.filters and (not words or order == RELEVANCE):
            return keys, places
        kept = [
            n
            for n, at in enumerate(places)
            if (not words or (hits is not None and self.records[at]["id"] in hits)) and query.matches(self.records[at])
        ]
        return [keys[n] for n in kept], [places[n] for n in kept]

    def _found(self, hits: Mapping[str, float]) -> tuple[Sequence[Key], Sequence[int]]:
        """Return what a search found, the best first; of equals the higher priority."""
        ranked = sorted(
            ((round(rank, 6), float(-self.records[at]["priority"]), name), at)
            for name, rank in hits.items()
            if (at := self.by_id.get(name)) is not None
        )
        return [key for key, _ in ranked], [at for _, at in ranked]

    def _containing(self, words: Sequence[str]) -> Iterable[str]:
        return (
            record["id"]
            for record, text in zip(self.records, self.texts, strict=True)
            if all(word in text for word in words)
        )


def take_snapshot(
    catalogues: Sequence[tuple[str, Fragments]],
    enrichers: Sequence[tuple[str, Fragments]],
    today: date,
    mentions: Mapping[str, int] | None = None,
    before: Snapshot | None = None,
) -> Snapshot:
    """Merge what the sources gave. Pure: runs in a native thread.

    Args:
        mentions: how often the community named a threat within a day, by id.
        before: the snapshot of the same day whose records are kept where nothing is said anew.
    """
    threats, other_names = grouped(catalogues, enrichers)
    aliases, talk = aliases_of(other_names), mentions or {}
    known = before.entries if before else {}
    entries: dict[str, Entry] = {}
    for name, parts in threats.items():
        old, other, spoken = known.get(name), aliases.get(name, []), talk.get(name, 0)
        same = old is not None and _same(old, parts, spoken) and old.record["aliases"] == other
        entries[name] = old if old is not None and same else _readable(made(name, parts, other, today, spoken))
    return _snapshot(entries, other_names)


def _readable(entry: Entry) -> Entry:
    """Note what a search looks at and what orders go by; words are shared between records, so each is kept once."""
    text = _text(entry.record)
    keys = {name: order(entry.record) for name, order in ORDERS.items()}
    return replace(entry, text=text, words=tuple(map(intern, words_in(text))), keys=keys)


def _same(old: Entry, parts: Sequence[Any], mentions: int) -> bool:
    """Whether a record is still made of the same objects."""
    return (
        old.mentions == mentions
        and len(old.parts) == len(parts)
        and all(a[0] == b[0] and a[1] is b[1] for a, b in zip(old.parts, parts, strict=True))
    )


def _snapshot(entries: Mapping[str, Entry], other_names: Mapping[str, str]) -> Snapshot:
    ordered = sorted(entries.values(), key=lambda entry: entry.keys[FIRST_ORDER])
    records = [entry.record for entry in ordered]
    by_id = {record["id"]: at for at, record in enumerate(records)}
    by_id.update({alias: by_id[name] for alias, name in other_names.items() if name in by_id and alias not in by_id})
    return Snapshot(
        records=records,
        entries=entries,
        orders={name: _ordered(ordered, name) for name in ORDERS},
        texts=[entry.text for entry in ordered],
        places=_places(ordered),
        by_id=by_id,
        names=names_of(record for record in records if record["known_exploited"]),
    )


def _ordered(entries: Sequence[Entry], name: str) -> tuple[Sequence[Key], Sequence[int]]:
    keyed = sorted((entry.keys[name], at) for at, entry in enumerate(entries))
    return [key for key, _ in keyed], [at for _, at in keyed]


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text in small letters, for finding it by them."""
    return frozenset(_WORD.findall(text))


def _places(entries: Sequence[Entry]) -> dict[str, tuple[int, ...]]:
    """Return for each word where it occurs. Plain tuples of numbers: the garbage collector does not look into them."""
    found: dict[str, list[int]] = {}
    for at, entry in enumerate(entries):
        for word in entry.words:
            found.setdefault(word, []).append(at)
    return {word: tuple(places) for word, places in found.items()}


def _text(record: Record) -> str:
    """Return what the plain search looks at."""
    fields = (record["id"], *record["aliases"], record["title"], record["vendor"], record["product"], *record["tags"])
    return " ".join(filter(None, (*fields, record["summary"]))).lower()
