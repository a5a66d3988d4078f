"""How many errors happened when: exact over the newest, by the minute before that, in memory that does not grow.

Each error takes twelve bytes (time, type, endpoint). When more than `exact` are kept, the oldest are folded into one
row of counts per minute, so a flood costs precision at the far edge of a window, never memory. Names beyond `names`
are counted as `other`.
"""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

OTHER = "other"
_MINUTE = 60.0


class Names:
    """Small numbers for names, 0 for all that come after the list is full."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers: dict[str, int] = {OTHER: 0}
        self._names = [OTHER]

    def number(self, name: str) -> int:
        """Return the number of a name, the same one each time."""
        known = self._numbers.get(name)
        if known is None:
            if len(self._names) > self._most:
                return 0
            known = self._numbers[name] = len(self._names)
            self._names.append(name)
        return known

    def known(self) -> list[str]:
        """Return the names in the order of their numbers, from 1."""
        return self._names[1:]

    def counted(self, counts: Counter[int]) -> dict[str, int]:
        """Return name -> count, the largest first."""
        return {self._names[number]: count for number, count in counts.most_common()}


class _Minute:
    """The errors of one minute, counted by type and by endpoint."""

    __slots__ = ("kinds", "last", "minute", "places", "total")

    def __init__(self, last: float) -> None:
        self.minute = int(last // _MINUTE)
        self.last = last
        self.total = 0
        self.kinds: Counter[int] = Counter()
        self.places: Counter[int] = Counter()


class ErrorCounts:
    """A log of times. Not locked: its owner is.

    Args:
        keep_seconds: what is older is forgotten.
        exact: so many of the newest are kept one by one.
        names: distinct types, and distinct endpoints, that are told apart.
    """

    def __init__(self, keep_seconds: float, exact: int = 50_000, names: int = 100) -> None:
        self.kinds = Names(names)
        self.places = Names(names)
        self._keep = keep_seconds
        self._exact = exact
        self._at: array[float] = array("d")
        self._kind: array[int] = array("H")
        self._place: array[int] = array("H")
        self._minutes: deque[_Minute] = deque()

    def add(self, at: float, kind: str, place: str) -> None:
        """Take in one error at monotonic time `at`, which is not before the last one."""
        self._at.append(at)
        self._kind.append(self.kinds.number(kind))
        self._place.append(self.places.number(place))
        if len(self._at) > self._exact:
            self._fold(self._exact // 10 or 1)
        elif len(self._at) > 64 and self._at[len(self._at) // 2] <= at - self._keep:
            self._drop(bisect_right(self._at, at - self._keep))

    def total(self, since: float, until: float = float("inf")) -> int:
        """Return how many happened after `since` and not after `until`."""
        folded = sum(minute.total for minute in self._minutes if since < minute.last <= until)
        return folded + bisect_right(self._at, until) - bisect_right(self._at, since)

    def by_kind(self, since: float) -> dict[str, int]:
        """Return type -> count after `since`, the most frequent first."""
        counts = Counter(self._kind[bisect_right(self._at, since) :])
        for minute in self._minutes:
            if minute.last > since:
                counts.update(minute.kinds)
        return self.kinds.counted(counts)

    def by_place(self, since: float) -> dict[str, int]:
        """Return endpoint -> count after `since`, the most frequent first."""
        counts = Counter(self._place[bisect_right(self._at, since) :])
        for minute in self._minutes:
            if minute.last > since:
                counts.update(minute.places)
        return self.places.counted(counts)

    def snapshot(self, shift: float) -> dict[str, Any]:
        """Return all of it ready for JSON, with `shift` added to the times."""
        rows = [
            [row.last + shift, self.kinds.counted(row.kinds), self.places.counted(row.places)] for row in self._minutes
        ]
        arrays: dict[str, array[Any]] = {
            "at": array("d", [at + shift for at in self._at]),
            "kind": self._kind,
            "place": self._place,
        }
        packed = {name: b64encode(kept.tobytes()).decode() for name, kept in arrays.items()}
        return {**packed, "kinds": self.kinds.known(), "places": self.places.known(), "minutes": rows}

    def restore(self, kept: Mapping[str, Any], shift: float, now: float) -> None:
        """Take in what `snapshot` gave, with `shift` added to its times, none of which becomes later than `now`.

        Raises:
            ValueError, TypeError, KeyError, IndexError, AttributeError: it is none; then nothing was taken in.
        """
        kinds, places = [OTHER, *kept["kinds"]], [OTHER, *kept["places"]]
        columns = (_unpacked(code, kept[name]) for code, name in (("d", "at"), ("H", "kind"), ("H", "place")))
        entries = [(min(at + shift, now), kinds[k], places[p]) for at, k, p in zip(*columns, strict=True)]
        rows = [(min(last + shift, now), dict(by_kind), dict(by_place)) for last, by_kind, by_place in kept["minutes"]]
        minutes = [self._row(*row) for row in rows]
        self._minutes.extend(minutes)
        for entry in entries:
            self.add(*entry)

    def _row(self, last: float, kinds: dict[str, int], places: dict[str, int]) -> _Minute:
        row = _Minute(last)
        row.total = sum(kinds.values())
        for name, count in kinds.items():
            row.kinds[self.kinds.number(name)] += count
        for name, count in places.items():
            row.places[self.places.number(name)] += count
        return row

    def _fold(self, number: int) -> None:
        newest = self._at[-1]
        for at, kind, place in zip(self._at[:number], self._kind[:number], self._place[:number], strict=True):
            if not self._minutes or self._minutes[-1].minute != int(at // _MINUTE):
                self._minutes.append(_Minute(at))
            row = self._minutes[-1]
            row.last = at
            row.total += 1
            row.kinds[kind] += 1
            row.places[place] += 1
        self._drop(number)
        while self._minutes and self._minutes[0].last <= newest - self._keep:
            self._minutes.popleft()

    def _drop(self, number: int) -> None:
        del self._at[:number]
        del self._kind[:number]
        del self._place[:number]


def _unpacked(code: str, text: str) -> array[Any]:
    return array(code, b64decode(text, validate=True))
