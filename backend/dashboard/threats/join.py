"""Holds what each source gave and joins it into a snapshot whenever that, the talk or the day changes."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from backend.dashboard.threats.index import ThreatIndex
from backend.dashboard.threats.snapshot import Snapshot, take_snapshot
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.sources.base import Fragment, ThreatBatch, ThreatSource
from backend.sources.collector import pause, settle
from backend.sources.heavy import heavy

MOST_RECORDS = 5000
"""Records that are held of one source that gives what is new: those that were changed last."""
ALL = 1_000_000
_log = logging.getLogger("jupiter.threats")


class ThreatJoin:
    """The fragments of all sources, the snapshot of them, and the names in it.

    Args:
        sources: in the order of trust: of two that know the same field, the first is believed.
        most: records that are held of one source.
        offload: runs the joining in a native thread.
    """

    def __init__(
        self,
        sources: Sequence[ThreatSource],
        *,
        most: int = MOST_RECORDS,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.snapshot = Snapshot()
        self.names: Mapping[str, str] = {}
        self._catalogues = tuple(source.name for source in sources if not source.enriches)
        self._enrichers = tuple(source.name for source in sources if source.enriches)
        self._most = most
        self._clock = clock
        self._offload = offload
        self._given: dict[str, Mapping[str, Fragment]] = {}
        self._counts: dict[str, int] = {}
        self._mentions: Mapping[str, int] = {}
        self._day: date | None = None
        self._waiting: list[tuple[str, ThreatBatch]] = []
        self._index = _new_index()
        self._index_lock = threading.Lock()  # one search or writing at a time, and the snapshot goes with what is found
        self._lock = threading.Lock()  # one join at a time, so that the newest is the one that stays

    def accept(self, name: str, batch: ThreatBatch) -> None:
        """Take in what a source gave: in place of what it gave before, or beside it.

        Those who come while a join is under way share the next one; where that fails, each joins alone, so that the
        failure is told of the source whose it is.
        """
        mine = (name, batch)
        self._waiting.append(mine)
        with self._lock:
            if not any(each is mine for each in self._waiting):
                return  # somebody has taken it along
            taken, self._waiting = self._waiting, []
            try:
                self._join(self._with(taken))
            except Exception:  # noqa: BLE001 - raised again below where it is this source's own
                self._waiting = [each for each in taken if each is not mine] + self._waiting
                self._join(self._with([mine]))

    def _with(self, taken: Sequence[tuple[str, ThreatBatch]]) -> dict[str, Mapping[str, Fragment]]:
        given = dict(self._given)
        for name, batch in taken:
            before = given.get(name, {})
            if name in self._enrichers:  # what is added to a record goes with it
                before = {known: each for known, each in before.items() if known in self.snapshot.by_id}
            given[name] = self._offload(_held, before, batch, self._most if name in self._catalogues else ALL)
        return given

    def put_back(self, given: Mapping[str, Mapping[str, Fragment]]) -> None:
        """Begin with what sources gave before a restart."""
        with self._lock:
            wanted = {name: given[name] for name in (*self._catalogues, *self._enrichers) if name in given}
            if wanted:
                self._join({**wanted, **self._given})

    def keep_ages(self) -> None:
        """Join again where a new day has begun: priorities depend on how old a record is."""
        if self._is_of_another_day():
            with self._lock:
                if self._is_of_another_day():  # nobody has done it meanwhile
                    self._join(self._given)

    def _is_of_another_day(self) -> bool:
        return bool(self.snapshot.records) and self._day != self._clock.now().date()

    def talked(self, mentions: Mapping[str, int]) -> bool:
        """Take in how often the community named threats within a day; tell whether that changes anything."""
        mine = {name: count for name, count in mentions.items() if name in self.snapshot.by_id and count > 0}
        if mine == self._mentions:
            return False
        with self._lock:
            self._mentions = mine
            self._join(self._given)
        return True

    def search(self, text: str) -> Mapping[str, float] | None:
        """Return what the index finds, None where there is no index."""
        if self._index is None or not text:
            return None
        with self._index_lock:
            found: Mapping[str, float] = self._offload(self._index.search, text)
            return found

    def given(self, name: str) -> Mapping[str, Fragment]:
        """Return what a source gave, by id."""
        return self._given.get(name, {})

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all threats."""
        return tuple(self.snapshot.entries)

    def shown(self, name: str) -> int:
        """Return how many records a source has a part in."""
        return self._counts.get(name, 0)

    def _join(self, given: Mapping[str, Mapping[str, Fragment]]) -> None:
        """Join; what was given is kept only once that has worked."""
        day = self._clock.now().date()
        before = self.snapshot if self._day == day else None
        catalogues, enrichers = _parts(given, self._catalogues), _parts(given, self._enrichers)
        with pause():  # over both steps: between them it would look at all that is new, here where everybody waits
            snapshot, counts = self._offload(joined, catalogues, enrichers, day, self._mentions, before)
            with self._index_lock:
                self._offload(_indexed, self._index, snapshot)
                self.snapshot, self._counts = snapshot, counts
        self._given, self._day = dict(given), day
        if self.snapshot.names != self.names:  # the same object as long as nothing changed: others keep what they
            self.names = self.snapshot.names  # found with it


def _new_index() -> ThreatIndex | None:
    try:
        return ThreatIndex()
    except sqlite3.Error as error:
        _log.warning("⚠️ The search looks for plain words: this SQLite has no FTS5 (%s)", error)
        return None


def _indexed(index: ThreatIndex | None, snapshot: Snapshot) -> None:
    """Have the index hold a snapshot."""
    settle(len(snapshot.entries) if index is None else index.hold(snapshot.entries))


def joined(*said: Any) -> tuple[Snapshot, dict[str, int]]:
    """Take a snapshot (arguments as there), and count the records of each source."""
    snapshot = take_snapshot(*said)
    counts: dict[str, int] = {}
    for record in snapshot.records:
        for source in record["sources"]:
            counts[source] = counts.get(source, 0) + 1
    return snapshot, counts


def _held(before: Mapping[str, Fragment], batch: ThreatBatch, most: int) -> Mapping[str, Fragment]:
    """Return what is held of a source after a batch: the same objects where they say the same."""
    new = {name: _kept(before.get(name), fragment) for name, fragment in batch.fragments.items()}
    if not batch.delta:
        return new
    gone = frozenset(batch.removed)
    held = {name: fragment for name, fragment in before.items() if name not in gone} | new
    if len(held) <= most:
        return held
    newest = sorted(held, key=lambda name: _worth(held[name]), reverse=True)[:most]
    return {name: held[name] for name in newest}


def _kept(old: Fragment | None, new: Fragment) -> Fragment:
    return old if old is not None and old == new else new


def _worth(fragment: Fragment) -> tuple[bool, str]:
    """What is kept when there is too much: the known exploited, then what was changed last."""
    return bool(fragment.get("known_exploited")), str(fragment.get("updated") or fragment.get("published") or "")


def _parts(
    given: Mapping[str, Mapping[str, Fragment]], names: Sequence[str]
) -> list[tuple[str, Mapping[str, Fragment]]]:
    return [(name, given[name]) for name in names if name in given]
