"""The items that pulse knows: each once, whoever published it, and not more than fit."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.sources.base import PulseItem

MOST_ITEMS = 5000
KEPT = timedelta(days=30)
CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Known:
    """An item, when it counts, and who brought it; `at` is None for one whose time is not known."""

    item: PulseItem
    at: datetime | None
    sources: tuple[str, ...]


class ItemStore:
    """Items by their key.

    An item that gives no date counts from when it was first seen, but not at a source's first answer: then
    everything that it has is new to us, and nothing says that it is new. A date in the future is no date.

    Args:
        most: items that are kept; the oldest go first, and those that a source still shows go last.
        kept: how long an item is kept after its source has ceased to show it.
    """

    def __init__(self, *, most: int = MOST_ITEMS, kept: timedelta = KEPT, clock: Clock = SYSTEM_CLOCK) -> None:
        self.version = 0
        self._most = most
        self._kept = kept
        self._clock = clock
        self._items: dict[str, Known] = {}
        self._shown: dict[str, frozenset[str]] = {}
        self._lock = threading.Lock()  # sources answer in threads of their own where there are no green ones

    def take(self, source: str, items: Iterable[PulseItem]) -> int:
        """Take in what a source shows now and return how many items that are."""
        given = {item.key: item for item in items}
        with self._lock:
            now, first = self._clock.now(), source not in self._shown
            for key, item in given.items():
                known, new = self._items.get(key), _dated(item, now)
                self._items[key] = _joined(known, new, source, now) if known else _new(new, source, now, first)
            self._shown[source] = frozenset(given)
            self._forget(now)
            self.version += 1
        return len(given)

    def restore(self, items: Iterable[Known], shown: Mapping[str, frozenset[str]]) -> None:
        """Take back what an earlier process knew, before anything else is taken in.

        Args:
            shown: by source, the keys of what it showed last; one that is named here has had its first answer.
        """
        with self._lock:
            self._items = {known.item.key: known for known in items}
            self._shown = dict(shown)
            self._forget(self._clock.now())
            self.version += 1

    def shown(self, source: str) -> frozenset[str]:
        """Return the keys of what a source showed last."""
        return self._shown.get(source, frozenset())

    def all(self) -> Sequence[Known]:
        """Return all items."""
        return tuple(self._items.values())

    def _forget(self, now: datetime) -> None:
        shown = frozenset().union(*self._shown.values())
        oldest = now - self._kept
        self._items = {
            key: known
            for key, known in self._items.items()
            if key in shown or (known.at is not None and known.at >= oldest)
        }
        if len(self._items) > self._most:
            ranked = sorted(self._items.items(), key=lambda pair: (pair[0] in shown, _age_key(pair[1])), reverse=True)
            self._items = dict(ranked[: self._most])


def _dated(item: PulseItem, now: datetime) -> PulseItem:
    """Return the item without a date that lies in the future."""
    ahead = item.published is not None and item.published > now + CLOCK_SKEW
    return replace(item, published=None) if ahead else item


def _new(item: PulseItem, source: str, now: datetime, first: bool) -> Known:
    unknown = None if first else now
    return Known(item, min(item.published, now) if item.published else unknown, (source,))


def _joined(known: Known, item: PulseItem, source: str, now: datetime) -> Known:
    """The same thing from one more source, or again: the first text stays, ids and what was missing are added.

    With its date it counts from then, also where it had counted from when it was seen.
    """
    ids = tuple(dict.fromkeys((*known.item.ids, *item.ids)))
    author, published = known.item.author or item.author, known.item.published or item.published
    sources = known.sources if source in known.sources else (*known.sources, source)
    at = min(published, now) if published and known.item.published is None else known.at
    same = (ids, author, published) == (known.item.ids, known.item.author, known.item.published)
    told = known.item if same else replace(known.item, ids=ids, author=author, published=published)
    return Known(told, at, sources)


def _age_key(known: Known) -> float:
    return known.at.timestamp() if known.at else 0.0
