"""Which ids a source that enriches is asked about: all of them when it is due, only the new ones in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.sources.base import ThreatBatch, ThreatSource

_ASKED_ABOUT = ("CVE-", "DEMO-")
"""Kinds of names that others score."""


@dataclass
class _Round:
    began: float
    done: set[str] = field(default_factory=set)
    asked: tuple[str, ...] = ()
    whole: bool = False


class Asking:
    """Keeps for each source what it was asked about since the last time that it was asked about everything."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._rounds: dict[str, _Round] = {}

    def wanted(self, source: ThreatSource, ids: Sequence[str]) -> tuple[str, ...]:
        """Return the ids to ask about now."""
        mine = tuple(name for name in ids if name.startswith(_ASKED_ABOUT))
        now, known = self._clock.monotonic(), self._rounds.get(source.name)
        new = tuple(name for name in mine if known is None or name not in known.done)
        due = known is None or now - known.began >= source.refresh_seconds or not new
        self._rounds[source.name] = known = known or _Round(now)
        known.asked, known.whole = (mine, True) if due else (new, False)
        return known.asked

    def answered(self, source: ThreatSource, batch: ThreatBatch) -> ThreatBatch:
        """Note an answer; one about new ids only is added to what is known of the others."""
        known = self._rounds.get(source.name)
        if known is None or not source.enriches:
            return batch
        if known.whole:
            self._rounds[source.name] = _Round(self._clock.monotonic(), set(known.asked))
            return batch
        known.done.update(known.asked)
        return replace(batch, delta=True)
