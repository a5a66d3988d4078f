"""Holds what each source gave last and joins it into a snapshot whenever that, or the day, changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from backend.dashboard.threat_snapshot import Snapshot, take_snapshot
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.sources.base import Fragment, ThreatBatch, ThreatSource
from backend.sources.heavy import heavy


class ThreatJoin:
    """The fragments of all sources, the snapshot of them, and the names in it.

    Args:
        sources: in the order of trust: of two that know the same field, the first is believed.
        offload: runs the joining in a native thread.
    """

    def __init__(
        self,
        sources: Sequence[ThreatSource],
        *,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.snapshot = Snapshot()
        self.names: Mapping[str, str] = {}
        self._catalogues = tuple(source.name for source in sources if not source.enriches)
        self._enrichers = tuple(source.name for source in sources if source.enriches)
        self._clock = clock
        self._offload = offload
        self._given: dict[str, Mapping[str, Fragment]] = {}
        self._day: date | None = None
        self._lock = threading.Lock()  # one join at a time, so that the newest is the one that stays

    def accept(self, name: str, batch: ThreatBatch) -> None:
        """Take in what a source gave, in place of what it gave before."""
        with self._lock:
            self._given[name] = batch.fragments
            self._join()

    def keep_ages(self) -> None:
        """Join again where a new day has begun: priorities depend on how old a record is."""
        if self.snapshot.records and self._day != self._clock.now().date():
            with self._lock:
                self._join()

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all threats."""
        return tuple(self.snapshot.by_id)

    def shown(self, name: str) -> int:
        """Return how many records a source has a part in."""
        return sum(name in record["sources"] for record in self.snapshot.records)

    def _join(self) -> None:
        day = self._clock.now().date()
        self.snapshot = self._offload(take_snapshot, self._parts(self._catalogues), self._parts(self._enrichers), day)
        self._day = day
        if self.snapshot.names != self.names:  # the same object as long as nothing changed: others keep what they
            self.names = self.snapshot.names  # found with it

    def _parts(self, names: Sequence[str]) -> list[tuple[str, Mapping[str, Fragment]]]:
        return [(name, self._given[name]) for name in names if name in self._given]
