"""What is pushed without being asked for: every change of threats, pulse, status and summaries."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from backend import runtime
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.pulse.service import PulseService
from backend.dashboard.status import StatusService
from backend.dashboard.summary.service import SummaryService
from backend.dashboard.threats.service import ThreatService
from backend.errors import DashboardError
from backend.realtime.broadcaster import Broadcaster
from backend.realtime.coalesce import Coalesced
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import BreakerChanged, ErrorRecorded, FeatureChanged
from backend.runtime.periodic import periodically

logger = logging.getLogger("jupiter.realtime")

SLOW_CLIENTS_SECONDS = 0.25
HEARTBEAT_SECONDS = 10.0
SAME_NOTICE_SECONDS = 5.0  # several workers see the same; what they say of it within this time is one


class Pushes:
    """Turns changes into published events.

    Args:
        broadcaster: publishes.
        status: makes the status payload; a change of a breaker or feature is pushed within a quarter second.
        summaries: makes the summary payload of the person whose experiment changed.
        leads: where there are several workers: tells whether this is the one that tells everybody what all of them see.
            What changes suddenly (a breaker, a feature) is told by whoever sees it first, and counts once.
    """

    def __init__(
        self,
        broadcaster: Broadcaster,
        *,
        threats: ThreatService,
        pulse: PulseService,
        status: StatusService,
        summaries: SummaryService,
        experiments: ExperimentService,
        leads: Callable[[], bool] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = runtime.sleep,
    ) -> None:
        self._broadcaster = broadcaster
        self._alone = leads is None
        self._leads = leads or (lambda: True)
        self._gauges = {"threats": threats.query, "pulse": pulse.query}
        self._status = status
        self._summaries = summaries
        self._clock = clock
        self._stopped = threading.Event()
        self._last_told: dict[str, Any] = {}
        self._changes = Coalesced(self._push_status, 0.25, sleep=sleep)
        self._counts = Coalesced(self._push_status, 1.0, sleep=sleep)
        self._owners = Coalesced(self._push_summaries, 0.25, sleep=sleep)
        threats.subscribe(lambda payload: self._push_gauge("threats", payload))
        pulse.subscribe(lambda payload: self._push_gauge("pulse", payload))
        experiments.subscribe(self._owners.touch)

    def saw(self, event: object) -> None:
        """Take an event of the kit; give this to `Listeners.subscribe`."""
        if isinstance(event, FeatureChanged):
            self._notify(event)
        if isinstance(event, BreakerChanged | FeatureChanged):
            self._changes.touch()
        elif isinstance(event, ErrorRecorded):
            self._counts.touch()

    def start(self, spawn: Callable[..., Any] = runtime.spawn) -> None:
        """Begin to push."""
        for loop in (self._changes.run, self._counts.run, self._owners.run):
            spawn(loop)
        watch = self._broadcaster.look_after_slow_clients
        spawn(periodically, watch, SLOW_CLIENTS_SECONDS, self._stopped, logger)
        spawn(periodically, self._heartbeat, HEARTBEAT_SECONDS, self._stopped, logger)

    def stop(self) -> None:
        """End all loops."""
        self._stopped.set()
        for coalesced in (self._changes, self._counts, self._owners):
            coalesced.stop()

    def lead(self) -> None:
        """Tell everybody the present state: the one who did so before may have died over it."""
        for noun, query in self._gauges.items():
            self._push_gauge(noun, query({}))
        self._changes.touch()

    def _push_gauge(self, noun: str, payload: Mapping[str, Any]) -> None:
        if self._leads():
            self._broadcaster.publish(noun, f"{noun}_update", payload)

    def _push_status(self, _: set[str]) -> None:
        self._tell(self._status.status())

    def _tell(self, payload: Mapping[str, Any]) -> None:
        self._last_told = _without_times(payload)
        digest = "" if self._alone else _digest(self._last_told)
        self._broadcaster.publish("status", "status_update", payload, digest=digest)

    def _push_summaries(self, users: set[str]) -> None:
        for user in users:
            try:
                payload = self._summaries.summary(user, patient=True)  # nobody asks again for what is pushed
            except DashboardError:
                continue  # recorded by the guard; the page asks again and is told then
            self._broadcaster.publish("summary", "summary_update", payload, user=user)

    def _notify(self, event: FeatureChanged) -> None:
        name = event.name.replace("_", " ").capitalize()
        if event.enabled:
            self.announce("success", f"{name} works again.")
        elif event.author is None:
            self.announce("warning", f"{name} keeps failing and is given a rest. It is tried again by itself.")
        else:
            self.announce("warning", f"{name} was switched off by {event.author}: {event.reason or 'no reason given'}")

    def announce(self, level: str, message: str) -> None:
        """Tell everybody something.

        Args:
            level: info, success, warning or error.
        """
        payload = {"level": level, "message": message, "timestamp": self._clock.now().isoformat()}
        digest = "" if self._alone else _digest([level, message])
        self._broadcaster.publish("notice", "notice", payload, digest=digest, within=SAME_NOTICE_SECONDS)

    def say_goodbye(self) -> None:
        """Tell the clients of this process that it goes."""
        message = "The server is restarting. This page reconnects by itself."
        if self._alone:
            self.announce("info", message)
        else:
            payload = {"level": "info", "message": message, "timestamp": self._clock.now().isoformat()}
            self._broadcaster.tell_here("notice", payload)

    def _heartbeat(self) -> None:
        """Run the health checks, and push what they changed."""
        payload = self._status.status(fresh=True)
        if _without_times(payload) != self._last_told and self._leads():
            self._tell(payload)


def _digest(told: Any) -> str:
    return hashlib.sha256(orjson.dumps(told, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def _without_times(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload less what changes by itself, for comparing."""
    checks = {name: check.get("status") for name, check in payload["checks"].items()}
    features = {
        name: (feature["enabled"], feature["circuit_breaker"], feature["failures"])
        for name, feature in payload["features"].items()
    }
    return {"checks": checks, "features": features, "errors": payload["errors"], "health": payload["health"]}
