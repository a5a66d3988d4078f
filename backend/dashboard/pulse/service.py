"""The community pulse: what is talked about, in how many places, and whether it is rising."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from marshmallow import ValidationError as SchemaError

from backend import runtime
from backend.dashboard.pulse.archive import Document, PulseArchive
from backend.dashboard.pulse.items import ItemStore
from backend.dashboard.pulse.payload import items_payload, pulse_payload
from backend.dashboard.pulse.reckoning import Reckoning
from backend.dashboard.sourcing.announcer import Announcer, Payload
from backend.dashboard.sourcing.board import SourceBoard
from backend.dashboard.sourcing.keeper import SourceKeeper
from backend.dashboard.sourcing.line import SourceLine
from backend.dashboard.sourcing.refresher import Wait, wait_for
from backend.errors import ValidationError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import Deadline
from backend.resilience.guard import Guards, Policy
from backend.schemas.loading import load
from backend.schemas.pulse import DEFAULT_TOPICS, DEFAULT_WINDOW, PulseItemsQuerySchema, PulseQuerySchema
from backend.sources.base import PulseBatch, PulseSource
from backend.sources.heavy import heavy

FEATURE = "community_pulse"
DEFAULT_POLICY = Policy()
_NO_NAMES: Mapping[str, str] = {}
_log = logging.getLogger("jupiter.pulse")
_schema = PulseQuerySchema()


@dataclass(frozen=True, slots=True)
class PulseQuery:
    """Which view is wanted; see PulseQuerySchema."""

    window: str = DEFAULT_WINDOW
    limit: int = DEFAULT_TOPICS
    force_refresh: bool = False


class PulseService:
    """Topics out of all feeds.

    Args:
        sources: see `sources.registry.pulse_sources`.
        guards: each source gets a guard of its own name here.
        policy: of these guards; its timeout is replaced by each source's own.
        names: returns the names of vendors and products to look for, e.g. `ThreatService.names`.
        has_threat: tells whether there is a threat record of an id, e.g. `ThreatService.has`.
        kept: where items and their sources' ages are kept over a restart; None keeps nothing.
        force_seconds: how long a forced refresh may keep its caller waiting.
        announce_seconds: least time between two calls of the subscribers.
        offload: runs the counting in a native thread.
        wait, sleep: see Refresher and Announcer.
    """

    def __init__(
        self,
        sources: Sequence[PulseSource],
        *,
        guards: Guards,
        policy: Policy = DEFAULT_POLICY,
        names: Callable[[], Mapping[str, str]] = lambda: _NO_NAMES,
        has_threat: Callable[[str], bool] = lambda _: False,
        kept: Document | None = None,
        force_seconds: float = 10.0,
        announce_seconds: float = 0.25,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
        wait: Wait = wait_for,
        sleep: Callable[[float], None] = runtime.sleep,
    ) -> None:
        self._clock = clock
        self._has_threat = has_threat
        self._force_seconds = force_seconds
        self._store = ItemStore(clock=clock)
        self._reckoning = Reckoning(self._store, names=names, titles=self._titles, clock=clock, offload=offload)
        self._announcer = Announcer(self.query, log=_log, interval=announce_seconds, sleep=sleep)
        self._board = SourceBoard(
            [self._keeper(source, guards, policy, wait) for source in sources],
            changed=self._announcer.touch,
            clock=clock,
        )
        self._archive = PulseArchive(kept, self._store, self._lines, clock=clock)
        self.on_event = self._board.on_event
        self.wake = self._board.wake

    def query(self, query: PulseQuery | Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the payload of pulse_update.

        Args:
            query: window and limit, see PulseQuerySchema; checked here unless they are a PulseQuery.

        Raises:
            ValidationError: one of them is wrong.
        """
        asked = query if isinstance(query, PulseQuery) else _read(query or {})
        done = self.refresh(force=True) if asked.force_refresh else True
        return pulse_payload(
            self._reckoning.topics(asked.window),
            window=asked.window,
            limit=asked.limit,
            lines=self._lines(),
            ledger=self.ledger(),
            has_threat=self._has_threat,
            refreshing=not done,
        )

    def items(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return everything that was published about one topic in a window; see PulseItemsSchema.

        Args:
            query: topic, kind, window and limit, see PulseItemsQuerySchema.

        Raises:
            ValidationError: one of them is wrong.
        """
        asked = load(PulseItemsQuerySchema(), query)
        about, found = self._reckoning.items(asked["window"], asked["kind"], asked["topic"])
        whole = self.query(PulseQuery(asked["window"], 1))
        return items_payload(about, found, asked=asked, titles=self._titles(), whole=whole, has_threat=self._has_threat)

    def mentions(self) -> Mapping[str, int]:
        """Return how many items of the last 24 hours name each id; none where nothing is that new."""
        return self._reckoning.topics(DEFAULT_WINDOW).named

    def refresh(self, force: bool = False) -> bool:
        """Ask the sources now, those that are due or, by `force`, all; callers at the same time share one round.

        Returns:
            Whether all have answered in the time; they go on in the background otherwise.
        """
        if force:
            _log.info("📊 Asking the sources of pulse, on request")
        return self._board.ask(self._board.keepers, Deadline(self._force_seconds, self._clock), force=force)

    def ledger(self) -> list[dict[str, Any]]:
        """Return the state of each source; see SourceEntrySchema."""
        return self._board.ledger()

    def subscribe(self, callback: Callable[[Payload], object]) -> Callable[[], None]:
        """Have `callback` called with the payload of the default view after each change; returns what ends that."""
        return self._announcer.subscribe(callback)

    def start(self, spawn: Callable[..., Any] = runtime.spawn) -> None:
        """Begin to keep the pulse fresh, from where an earlier process left off."""
        self._archive.restore()
        self._archive.start(spawn)
        self._announcer.start(spawn)
        self._board.start(spawn)

    def stop(self) -> None:
        """End that."""
        self._board.stop()
        self._announcer.stop()
        self._archive.stop()

    def _keeper(self, source: PulseSource, guards: Guards, policy: Policy, wait: Wait) -> SourceKeeper:
        own = replace(policy, timeout=source.timeout_seconds)
        keeper = SourceKeeper(
            source,
            guards.add(source.name, feature=FEATURE, policy=own, essential=source.essential),
            fetch=lambda previous: source.fetch(previous=previous),
            accept=lambda batch: self._accept(keeper, batch),
            changed=self._announcer.touch,
            record_error=guards.aggregator.record_error,
            log=_log,
            marker="📊",
            clock=self._clock,
            wait=wait,
        )
        return keeper

    def _accept(self, keeper: SourceKeeper, batch: PulseBatch) -> int:
        if batch.not_modified:
            return keeper.line.records
        if batch.title:
            keeper.line.title = batch.title
        return self._store.take(keeper.line.name, batch.items)

    def _lines(self) -> list[SourceLine]:
        return [keeper.line for keeper in self._board.keepers]

    def _titles(self) -> dict[str, str]:
        """Return the sources' titles; where two have the same, their names tell them apart."""
        lines = self._lines()
        titles = [line.title for line in lines]
        return {
            line.name: line.title if titles.count(line.title) == 1 else f"{line.title} ({line.name})" for line in lines
        }


def _read(query: Mapping[str, Any]) -> PulseQuery:
    try:
        return PulseQuery(**_schema.load(query))
    except SchemaError as error:
        raise ValidationError("pulse filters", details=error.messages_dict) from None
