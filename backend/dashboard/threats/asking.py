"""Which ids a source that enriches is asked about: all of them when it is due, only the new ones in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.sources.base import ThreatBatch, ThreatSource

_ASKED_ABOUT = ("CVE-", "DEMO-")
"""Kinds of names that others score."""


AGAIN_SECONDS = 0.5


@dataclass
class _Round:
    """Since `began`: what was asked and answered, what is asked now, whether that is all, and whether more is left."""

    began: float
    done: set[str] = field(default_factory=set)
    asked: tuple[str, ...] = ()
    whole: bool = False
    more: bool = False


class Asking:
    """Keeps for each source what it was asked about since the last time that it was asked about everything.

    A source that says how many ids it takes `at_once` is asked about the others a little later: so what it has given
    is not lost when the rest takes too long.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._rounds: dict[str, _Round] = {}

    def wanted(self, source: ThreatSource, ids: Sequence[str]) -> tuple[str, ...]:
        """Return the ids to ask about now."""
        mine = tuple(name for name in ids if name.startswith(_ASKED_ABOUT))
        now, known = self._clock.monotonic(), self._rounds.get(source.name)
        new = tuple(name for name in mine if known is None or name not in known.done)
        if known is None or now - known.began >= source.refresh_seconds or not new:
            new, known = mine, _Round(now)
        self._rounds[source.name] = known
        known.asked = new[: getattr(source, "at_once", None)]
        known.whole, known.more = known.asked == mine, len(known.asked) < len(new)
        return known.asked

    def answered(self, source: ThreatSource, batch: ThreatBatch) -> ThreatBatch:
        """Note an answer; one about some ids only is added to what is known of the others."""
        known = self._rounds.get(source.name)
        if known is None or not source.enriches:
            return batch
        known.done.update(known.asked)
        again_in = AGAIN_SECONDS if known.more else batch.again_in
        return replace(batch, delta=not known.whole, again_in=again_in)
