"""Which topics rise: counting terms over windows of time. Pure: runs in a native thread.

mentions   distinct items of the window (the same page from two sources is one item from two sources)
velocity   mentions of the window less those of the window before, per hour of the window
burst      how far the mentions are above what the topic's usual share of the talk would give, in standard deviations
           of a count: (mentions - expected) / sqrt(expected + 1), at least 0. The usual share is measured over up to
           7 windows before this one; with fewer than 20 items in them it is null, below 3 mentions it is 0.
order      sources, then mentions, then ids before actors before products before phrases, then burst: a story in four
           places is bigger than one that a single place repeats.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from backend.dashboard.pulse.items import Known
from backend.dashboard.pulse.phrases import Key, keep_telling
from backend.dashboard.pulse.terms import Term, terms_of
from backend.sources.base import PulseItem

BASELINE_WINDOWS = 7
BASELINE_ITEMS = 20
BURST_MENTIONS = 3
SHOWN_ITEMS = 5
SHOWN_IDS = 20
KINDS = {"cve": 0, "actor": 1, "product": 2, "phrase": 3}

TermsByItem = dict[str, tuple[PulseItem, tuple[Term, ...]]]
"""By the item's key: the item that they were found in, so that a changed one is looked at again."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The outcome: topics in their order, the window's end, how many items lie in it, and the terms for next time.

    `anchored` says that the window does not end now, for lack of news; `named` counts the items for each id that any
    item of a window names that does.
    """

    topics: list[dict[str, Any]]
    window_end: datetime | None
    anchored: bool
    items: int
    terms: TermsByItem
    named: Mapping[str, int] = field(default_factory=dict)


def find_topics(
    known: Sequence[Known],
    *,
    now: datetime,
    window: timedelta,
    names: Mapping[str, str],
    titles: Mapping[str, str],
    terms: TermsByItem,
    limit: int,
) -> Topics:
    """Return the topics of the window that ends now or, where nothing lies in it, of the one before the newest item.

    Args:
        names: of vendors and products, for finding them in texts.
        titles: of sources by their name, for people.
        terms: of items by their key, from the last time with the same names.
        limit: largest number of topics.
    """
    terms = {each.item.key: _terms(each.item, terms, names) for each in known}
    end, anchored = _window_end(known, now, window)
    if end is None:
        return Topics([], None, False, 0, terms)
    inside = _between(known, end - window, end)
    before = _count(_between(known, end - 2 * window, end - window), terms)
    past = _between(known, end - (BASELINE_WINDOWS + 1) * window, end - window)
    usual, hours = _count(past, terms), window.total_seconds() / 3600
    topics = [
        _topic(
            term,
            items,
            titles,
            velocity=round((len(items) - before[term[:2]]) / hours, 4),
            burst=_burst(len(items), len(inside), usual[term[:2]], len(past)),
        )
        for term, items in _gathered(inside, terms)
    ]
    topics.sort(key=_order)
    named = {} if anchored else Counter(name for each in inside for name in each.item.ids)
    return Topics(topics[:limit], end, anchored, len(inside), terms, named)


def items_about(
    known: Sequence[Known], terms: TermsByItem, kind: str, label: str, *, after: datetime, until: datetime
) -> list[Known]:
    """Return the items of a span of time that are about a topic, newest first.

    Args:
        terms: of the items; one that is not in it is about nothing.
        kind, label: of the topic, however its capitals are written.
    """
    wanted = label.lower()
    inside = [(each, terms[each.item.key][1]) for each in _between(known, after, until) if each.item.key in terms]
    keys = {
        term[:2] for _, found in inside for term in found if term[0] == kind and wanted in (term[1], term[2].lower())
    }
    about = [each for each, found in inside if any(term[:2] in keys for term in found)]
    return sorted(about, key=lambda each: (each.at, each.item.key), reverse=True)


def _terms(item: PulseItem, known: TermsByItem, names: Mapping[str, str]) -> tuple[PulseItem, tuple[Term, ...]]:
    found = known.get(item.key)
    return found if found is not None and found[0] is item else (item, terms_of(item, names))


def _window_end(known: Iterable[Known], now: datetime, window: timedelta) -> tuple[datetime | None, bool]:
    newest = max((each.at for each in known if each.at is not None), default=None)
    if newest is None:
        return None, False
    return (now, False) if newest > now - window else (newest, True)


def _between(known: Iterable[Known], after: datetime, until: datetime) -> list[Known]:
    return [each for each in known if each.at is not None and after < each.at <= until]


def _count(known: Iterable[Known], terms: TermsByItem) -> Counter[Key]:
    return Counter(term[:2] for each in known for term in terms[each.item.key][1])


def _gathered(inside: Sequence[Known], terms: TermsByItem) -> list[tuple[Term, list[Known]]]:
    """Return each term worth showing, written as it is most often, with its items, newest first."""
    often = {key for key, mentions in _count(inside, terms).items() if key[0] != "phrase" or mentions > 1}
    items: dict[Key, list[Known]] = defaultdict(list)
    labels: dict[Key, Counter[str]] = defaultdict(Counter)
    for each in sorted(inside, key=lambda each: (each.at, each.item.key), reverse=True):
        for term in terms[each.item.key][1]:
            if term[:2] in often:
                items[term[:2]].append(each)
                labels[term[:2]][term[2]] += 1
    kept = keep_telling(items)
    return [((*key, labels[key].most_common(1)[0][0]), items[key]) for key in kept]


def _burst(mentions: int, items: int, usual: int, baseline: int) -> float | None:
    if baseline < BASELINE_ITEMS:
        return None
    if mentions < BURST_MENTIONS:
        return 0.0
    expected = usual / baseline * items
    return round(max(0.0, (mentions - expected) / sqrt(expected + 1)), 2)


def _topic(
    term: Term, items: Sequence[Known], titles: Mapping[str, str], *, velocity: float, burst: float | None
) -> dict[str, Any]:
    names = sorted({titles.get(source, source) for each in items for source in each.sources})
    return {
        "topic": term[2],
        "kind": term[0],
        "mentions": len(items),
        "authors": len({each.item.author for each in items if each.item.author}),
        "sources": len(names),
        "source_names": names,
        "velocity": velocity,
        "burst": burst,
        "items": [item_view(each, titles) for each in items[:SHOWN_ITEMS]],
        "ids": [name for name, _ in Counter(name for each in items for name in each.item.ids).most_common(SHOWN_IDS)],
        "threat_id": None,
    }


def item_view(known: Known, titles: Mapping[str, str]) -> dict[str, Any]:
    """Return an item for clients."""
    published = known.item.published
    return {
        "title": known.item.title,
        "url": known.item.url,
        "source": titles.get(known.sources[0], known.sources[0]),
        "published": published.isoformat() if published else None,
    }


def _order(topic: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        -topic["sources"],
        -topic["mentions"],
        KINDS[topic["kind"]],
        -(topic["burst"] or 0.0),
        topic["topic"].lower(),
    )
