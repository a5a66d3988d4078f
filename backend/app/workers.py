"""What this process has in common with the other workers; nothing of it without REDIS_URL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from backend import runtime, worker_seat
from backend.app.answers_elsewhere import AnswersElsewhere
from backend.app.kit import Kit, installation
from backend.bus import wire as wires
from backend.bus.counters import SharedCounters
from backend.bus.event_log import EventLog
from backend.bus.lease import Lease
from backend.bus.notes import Notes
from backend.bus.outcomes import Outcomes
from backend.bus.wire import AwayError, Wire
from backend.config import Settings
from backend.dashboard.accounts.revocation_log import as_row, from_row
from backend.dashboard.chat.service import LONGEST_ANSWER_SECONDS, ChatService
from backend.dashboard.overrides import SharedOverrides
from backend.dashboard.sourcing.shared import SharedSource, pulse_batch, threat_batch
from backend.monitoring.merged_metrics import merged
from backend.monitoring.metrics import Metrics
from backend.realtime.broadcaster import GAUGES, Broadcaster
from backend.realtime.events.sync import USERS_OWN
from backend.realtime.pushes import Pushes
from backend.realtime.shared_replay import SharedReplay
from backend.realtime.wiring import KEPT, SERVER_EVENTS
from backend.resilience.clock import SYSTEM_CLOCK
from backend.resilience.fleet import Fleet
from backend.schemas.times import utc_iso
from backend.security.counters import MemoryCounters
from backend.security.revocations import Revocation, Revocations
from backend.sources.base import PulseSource, ThreatSource

METRICS_SECONDS = 5.0


@dataclass
class Workers:
    """One worker's part in the fleet.

    Args:
        name: of this worker, for people: its number, where a parent has given it one.
        fleet: the kit's: breakers, budgets, errors.
        wire: the line to the others.
        lead: the role of telling everybody what all workers see.
        overrides: what administrators decided.
        answers_before: answers begun before this time (ISO 8601) are made by nobody any more.
    """

    name: str
    fleet: Fleet
    wire: Wire
    lead: Lease
    overrides: SharedOverrides
    answers_before: str
    outcomes: Outcomes = field(init=False)
    counters: SharedCounters = field(init=False)
    notes: Notes = field(init=False)
    log: EventLog = field(init=False)
    answers: AnswersElsewhere = field(init=False)
    _metrics: Metrics | None = field(init=False, default=None)
    _stopped: threading.Event = field(init=False, default_factory=threading.Event)
    _sources: dict[str, SharedSource] = field(init=False, default_factory=dict)
    _wakers: Sequence[Callable[[str], object]] = field(init=False, default=())

    def __post_init__(self) -> None:
        self.outcomes = Outcomes(self.wire, self._wake)
        self.log = EventLog(self.wire, KEPT)
        self.answers = AnswersElsewhere(self.wire, self.log, self._stopped)
        self.notes = Notes(self.wire, "metrics", seconds=3 * METRICS_SECONDS)
        self.counters = SharedCounters(MemoryCounters(), self.wire)

    def share_threats(self, sources: Sequence[ThreatSource]) -> list[ThreatSource]:
        """Return sources that one worker at a time asks for all."""
        return [self._shared(source, threat_batch) for source in sources]

    def share_pulse(self, sources: Sequence[PulseSource]) -> list[PulseSource]:
        """Return sources that one worker at a time asks for all."""
        return [self._shared(source, pulse_batch) for source in sources]

    def wake_with(self, *wakers: Callable[[str], object]) -> None:
        """Have these called with the name of a source of which another worker has got something."""
        self._wakers = wakers

    def _shared(self, source: Any, decode: Callable[[Mapping[str, Any]], Any]) -> SharedSource:
        shared = self._sources[source.name] = SharedSource(source, self.outcomes, decode)
        return shared

    def _wake(self, name: str, number: int, head: Mapping[str, Any]) -> None:
        source = self._sources.get(name)
        if source is not None and source.is_news(number, head):
            for waker in self._wakers:
                waker(name)

    def show_metrics_of_all(self, metrics: Metrics) -> None:
        """Have whoever is asked for metrics answer for all workers: with its own and the others' of just now."""
        metrics.of_all = lambda own: merged({self.name: own, **self.notes.others(self.name)})
        metrics.gauge("jupiter_fleet_up", "Whether the line to the other workers is open", lambda: float(self.wire.up))
        metrics.gauge("jupiter_fleet_line_breaks", "How often that line broke", lambda: float(self.wire.breaks))
        self._metrics = metrics

    def _write_metrics(self) -> None:
        while self._metrics is not None and not self._stopped.wait(METRICS_SECONDS):
            self.notes.put(self.name, self._metrics.own_exposition())

    def serve(self, chat: ChatService, pushes: Pushes, metrics: Metrics) -> None:
        """Let the others ask for what this worker has, and take the lead where it falls to us."""
        self.answers.serve(chat)
        self.show_metrics_of_all(metrics)
        self.lead.on_gain(lambda: runtime.spawn(pushes.lead))

    def start(self, spawn: Callable[..., runtime.Task]) -> None:
        """Begin, and wait a moment for what the others know."""
        self.fleet.start(spawn)
        self.wire.start(spawn)
        self.lead.start(spawn)
        spawn(self._write_metrics)

    def stop(self) -> None:
        """Say what is left to say, and leave."""
        self._stopped.set()
        self.notes.drop()
        self.lead.stop()
        self.wire.stop()
        self.fleet.stop()


def make_workers(settings: Settings, kit: Kit) -> Workers | None:
    """Return this process's part in the fleet, None where there is none."""
    if kit.fleet is None or settings.redis_url is None:
        return None
    fleet, url = kit.fleet, settings.redis_url
    wire = wires.connect(
        url,
        worker=fleet.worker,
        installation=installation(url),
        told_already=lambda: not fleet.connected,
    )
    overrides = SharedOverrides(wire, kit.degradation)
    return Workers(worker_name(), kit.fleet, wire, Lease(wire, "lead"), overrides, _nobody_answers_before())


def _nobody_answers_before(environ: Mapping[str, str] = os.environ) -> str:
    """Return the time before which no answer of the chat was begun that is still being made.

    That is the start of the workers; processes that were started one by one do not know of each other's.
    """
    since = environ.get(worker_seat.SINCE)
    return utc_iso(since or SYSTEM_CLOCK.now() - timedelta(seconds=LONGEST_ANSWER_SECONDS))


def worker_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return what people call this worker: its number, `0` where it has no parent."""
    return environ.get(worker_seat.NUMBER, "0")


def share_events(workers: Workers, broadcaster: Broadcaster) -> SharedReplay:
    """Have everything that is published reach the sockets of all workers."""
    everybodys = sorted({event.stream for event in SERVER_EVENTS} - USERS_OWN)
    replay = SharedReplay(workers.wire, workers.log, broadcaster, gauges=GAUGES, everybodys=everybodys, kept=KEPT)
    broadcaster.use(replay)
    return replay


def share_revocations(workers: Workers, revocations: Revocations) -> None:
    """Tell the others at once what is taken back; their look at the database would find it within a second or two."""
    wire = workers.wire

    def tell(revocation: Revocation) -> None:
        try:
            wire.tell("revocation", row=as_row(revocation))
        except AwayError:
            return

    def heard(message: Mapping[str, Any]) -> None:
        revocation = from_row(message["row"]) if message["by"] != wire.worker else None
        if revocation is not None:
            runtime.spawn(revocations.add, revocation)

    revocations.subscribe(tell)
    wire.on("revocation", heard)
