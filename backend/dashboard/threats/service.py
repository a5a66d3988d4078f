"""The threat list: what the sources say, joined, kept fresh in the background, and always with its age."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from marshmallow import ValidationError as SchemaError

from backend import runtime
from backend.dashboard.sourcing.announcer import Announcer, Payload
from backend.dashboard.sourcing.board import SourceBoard
from backend.dashboard.sourcing.keeper import SourceKeeper
from backend.dashboard.sourcing.refresher import Wait, wait_for
from backend.dashboard.threats.asking import Asking
from backend.dashboard.threats.detail import detail
from backend.dashboard.threats.export import Export, export
from backend.dashboard.threats.join import ThreatJoin
from backend.dashboard.threats.keeping import Keeping
from backend.dashboard.threats.payload import threats_payload
from backend.dashboard.threats.query import ThreatQuery
from backend.dashboard.threats.search import find
from backend.dashboard.threats.shelf import ThreatShelf
from backend.dashboard.threats.snapshot import Page, Snapshot
from backend.errors import NotFoundError, ValidationError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import Deadline
from backend.resilience.guard import Guards, Policy
from backend.schemas.threats import DEFAULT_SORT, ThreatExportSchema, ThreatQuerySchema
from backend.sources.base import ThreatBatch, ThreatSource, Validators
from backend.sources.heavy import heavy

FEATURE = "threat_intelligence"
DEFAULT_POLICY = Policy()
_log = logging.getLogger("jupiter.threats")
_schema, _export_schema = ThreatQuerySchema(), ThreatExportSchema()


class ThreatService:
    """Threats of all sources, as one list.

    Args:
        sources: see `sources.registry.threat_sources`; those that enrich need one that does not.
        guards: each source gets a guard of its own name here.
        policy: of these guards; its timeout is replaced by each source's own.
        shelf: where what the sources gave survives a restart; None for nowhere.
        force_seconds: how long a forced refresh may keep its caller waiting.
        announce_seconds: least time between two calls of the subscribers.
        offload: runs the joining in a native thread.
        wait, sleep: see Refresher and Announcer.
    """

    def __init__(
        self,
        sources: Sequence[ThreatSource],
        *,
        guards: Guards,
        policy: Policy = DEFAULT_POLICY,
        shelf: ThreatShelf | None = None,
        force_seconds: float = 10.0,
        announce_seconds: float = 0.25,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
        wait: Wait = wait_for,
        sleep: Callable[[float], None] = runtime.sleep,
    ) -> None:
        self._clock = clock
        self._offload = offload
        self._force_seconds = force_seconds
        self._join = ThreatJoin(sources, clock=clock, offload=offload)
        self._asking = Asking(clock)
        self._announcer = Announcer(self._default_view, log=_log, interval=announce_seconds, sleep=sleep)
        keepers = [self._keeper(source, guards, policy, wait) for source in sources]
        self._catalogues = [keeper for keeper, source in zip(keepers, sources, strict=True) if not source.enriches]
        self._enrichers = [keeper for keeper, source in zip(keepers, sources, strict=True) if source.enriches]
        self._board = SourceBoard(keepers, changed=self._announcer.touch, clock=clock)
        self._keeping = Keeping(shelf, self._join, keepers, log=_log, offload=offload, wait=wait) if shelf else None
        self.on_event = self._board.on_event
        self.wake = self._board.wake

    def query(self, query: ThreatQuery | Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the payload of threats_update.

        Args:
            query: filters, see ThreatQuerySchema; checked here unless they are a ThreatQuery.

        Raises:
            ValidationError: a filter is wrong.
        """
        asked = query if isinstance(query, ThreatQuery) else ThreatQuery(**_read(_schema, query or {}))
        done = self.refresh(force=True) if asked.force_refresh else True
        return self._payload(self._page(asked)[0], refreshing=not done)

    def get(self, threat_id: str) -> dict[str, Any]:
        """Return one threat by its id or one of its aliases, with provenance and indicators; see ThreatDetailSchema.

        Raises:
            NotFoundError: there is none.
        """
        snapshot = self._join.snapshot
        at = snapshot.by_id.get(threat_id.strip().upper())
        if at is None:
            raise NotFoundError(f"there is no threat {threat_id[:100]}")
        return detail(snapshot.entries[snapshot.records[at]["id"]], self._lines())

    def export(self, query: Mapping[str, Any]) -> Export:
        """Return the rows that `query` shows, in its order, as a file.

        Args:
            query: see ThreatExportSchema.

        Raises:
            ValidationError: a filter is wrong.
        """
        asked = _read(_export_schema, query)
        form = asked.pop("format")
        page, snapshot = self._page(ThreatQuery(**asked))
        entries = [snapshot.entries[record["id"]] for record in page.records]
        shown = {name: str(value) for name, value in asked.items() if value is not None and name != "limit"}
        payload = self._payload(page)
        facts = {field: payload[field] for field in ("as_of", "stale", "total", "sources")}
        made: Export = self._offload(export, entries, form, self._clock.now(), {**facts, "query": shown})
        return made

    def refresh(self, force: bool = False) -> bool:
        """Ask the sources now, those that are due or, by `force`, all; callers at the same time share one round.

        Returns:
            Whether all have answered in the time; they go on in the background otherwise.
        """
        limit = Deadline(self._force_seconds, self._clock)
        if force:
            _log.info("🔍 Asking the threat sources, on request")
        first = self._board.ask(self._catalogues, limit, force=force)
        return self._board.ask(self._enrichers, limit, force=force) and first

    def find(self, *, text: str = "", ids: Sequence[str] = (), limit: int = 10) -> list[dict[str, Any]]:
        """Return records by id, by the words of a text, or the newest of all.

        Each with its `as_of`: when the one of its sources that is oldest said so.
        """
        ages = {name: line.as_of.isoformat() for name, line in self._lines().items() if line.as_of}
        oldest: dict[str, str | None] = {}  # by the sources, which are the same of most records
        found: list[dict[str, Any]] = []
        for record in find(self._join.snapshot, ids, text, limit):
            named = " ".join(record["sources"])
            if named not in oldest:
                oldest[named] = min((ages[name] for name in record["sources"] if name in ages), default=None)
            found.append({**record, "as_of": oldest[named]})
        return found

    def ledger(self) -> list[dict[str, Any]]:
        """Return the state of each source; see SourceEntrySchema."""
        loading = any(keeper.line.status == "loading" for keeper in self._catalogues)
        entries = self._board.ledger()
        for entry in entries:
            if entry["status"] == "loading" and not loading and not self._join.ids():
                entry["status"] = "error"
                entry["error"] = "It has nothing to add to until a catalogue of threats is loaded."
                entry["suggestion"] = "See what is wrong with the catalogue."
        return entries

    def names(self) -> Mapping[str, str]:
        """Return the names of vendors and products: in small letters, and as they are written."""
        return self._join.names

    def has(self, threat_id: str) -> bool:
        """Tell whether there is a record of this id."""
        return threat_id in self._join.snapshot.by_id

    def hear(self, mentions: Mapping[str, int]) -> None:
        """Take in how often the community named ids within a day, see `PulseService.mentions`: part of the priority."""
        if self._join.talked(mentions):
            self._announcer.touch()

    def subscribe(self, callback: Callable[[Payload], object]) -> Callable[[], None]:
        """Have `callback` called with the payload of the default view after each change; returns what ends that."""
        return self._announcer.subscribe(callback)

    def start(self, spawn: Callable[..., Any] = runtime.spawn) -> None:
        """Begin to keep the list fresh, from what was kept of the last run."""
        self._announcer.start(spawn)
        if self._keeping is None:
            self._board.start(spawn)
        else:
            self._keeping.start(spawn, lambda: self._begin(spawn))

    def stop(self) -> None:
        """End that."""
        self._board.stop()
        if self._keeping is not None:
            self._keeping.stop()
        self._announcer.stop()

    def _begin(self, spawn: Callable[..., Any]) -> None:
        self._announcer.touch()
        self._board.start(spawn)

    def _page(self, asked: ThreatQuery) -> tuple[Page, Snapshot]:
        """Return a page and the snapshot it is of: while the index is searched, another one may take its place."""
        hits = self._join.search(asked.words)
        snapshot = self._join.snapshot
        return snapshot.page(asked, hits), snapshot

    def _default_view(self) -> dict[str, Any]:
        return self._payload(self._join.snapshot.page(ThreatQuery(sort=DEFAULT_SORT)))

    def _payload(self, page: Page, *, refreshing: bool = False) -> dict[str, Any]:
        resting, others = self._resting_on()
        return threats_payload(page, catalogues=resting, enrichers=others, ledger=self.ledger(), refreshing=refreshing)

    def _resting_on(self) -> tuple[list[Any], list[Any]]:
        """Return the lines of the sources that the list rests on, and of the others.

        It rests on the essential catalogues; where there are none, on those that there are.
        """
        catalogues = [keeper for keeper in self._catalogues if keeper.source.essential] or self._catalogues
        others = [keeper.line for keeper in self._board.keepers if keeper not in catalogues]
        return [keeper.line for keeper in catalogues], others

    def _lines(self) -> dict[str, Any]:
        return {keeper.line.name: keeper.line for keeper in self._board.keepers}

    def _keeper(self, source: ThreatSource, guards: Guards, policy: Policy, wait: Wait) -> SourceKeeper:
        own = replace(policy, timeout=source.timeout_seconds)

        def fetch(previous: Validators | None) -> ThreatBatch:
            wanted = self._asking.wanted(source, self._join.ids()) if source.enriches else ()
            return self._asking.answered(source, source.fetch(previous=previous, wanted=wanted))

        return SourceKeeper(
            source,
            guards.add(source.name, feature=FEATURE, policy=own, essential=source.essential),
            fetch=fetch,
            accept=lambda batch: self._accept(source, batch),
            changed=self._attempted,
            record_error=guards.aggregator.record_error,
            log=_log,
            marker="🔍",
            waiting=lambda: source.enriches and not self._join.ids(),
            clock=self._clock,
            wait=wait,
        )

    def _attempted(self) -> None:
        self._join.keep_ages()  # also while nobody answers: what was added today is not added today for days
        self._announcer.touch()

    def _accept(self, source: ThreatSource, batch: ThreatBatch) -> int:
        if batch.not_modified:
            return self._join.shown(source.name)
        before = set(self._join.ids())
        self._join.accept(source.name, batch)
        if not source.enriches and not before.issuperset(self._join.ids()):
            for keeper in self._enrichers:
                keeper.refresher.wake()
        return self._join.shown(source.name)


def _read(schema: Any, query: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(schema.load(query))
    except SchemaError as error:
        raise ValidationError("threat filters", details=error.messages_dict) from None
