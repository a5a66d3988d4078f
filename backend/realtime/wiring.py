"""Puts the socket side together: doors, events, pushes, and the document of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_socketio import SocketIO

from backend.dashboard.jupiter_dashboard import JupiterDashboard
from backend.errors import DashboardError
from backend.realtime import asyncapi
from backend.realtime.answers import Answers
from backend.realtime.asyncapi import ServerEvent
from backend.realtime.broadcaster import Broadcaster
from backend.realtime.connections import Connections
from backend.realtime.door import ClientEvent, ErrorAnswers, EventDoor
from backend.realtime.events import chat as chat_events
from backend.realtime.events import pulse as pulse_events
from backend.realtime.events import status as status_events
from backend.realtime.events import summary as summary_events
from backend.realtime.events import sync as sync_events
from backend.realtime.events import threats as threat_events
from backend.realtime.events.sync import Snapshot, Snapshots
from backend.realtime.pushes import Pushes
from backend.realtime.replay import EventsLog, Replay
from backend.realtime.sockets import SocketEntrance, SocketTransport
from backend.schemas.alerts import AlertEventSchema
from backend.schemas.chat import ChatDeltaSchema, ChatErrorSchema, ChatResponseSchema, ChatThinkingSchema
from backend.schemas.errors import PanelErrorSchema
from backend.schemas.events import LoadingSchema, NoticeSchema
from backend.schemas.pulse import PulseUpdateSchema
from backend.schemas.scans import ScanProgressSchema, ScanResultSchema
from backend.schemas.status import StatusUpdateSchema
from backend.schemas.summary import SummarySchema
from backend.schemas.threats import ThreatsUpdateSchema
from backend.security.limits import RateLimiter
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens

KEPT = {"chat": 1024, "scans": 256, "alerts": 128, "notice": 64}

SERVER_EVENTS = [
    ServerEvent("threats_loading", LoadingSchema, "threats", "Threats were asked for and are being loaded."),
    ServerEvent(
        "threats_update", ThreatsUpdateSchema, "threats", "Threats with their age and the state of each source."
    ),
    ServerEvent("threats_error", PanelErrorSchema, "threats", "Threats cannot be shown at all."),
    ServerEvent("pulse_loading", LoadingSchema, "pulse", "The pulse was asked for and is being loaded."),
    ServerEvent("pulse_update", PulseUpdateSchema, "pulse", "Topics of a window with the state of each source."),
    ServerEvent("pulse_error", PanelErrorSchema, "pulse", "The pulse cannot be shown at all."),
    ServerEvent("summary_update", SummarySchema, "summary", "The summary of one's own experiments."),
    ServerEvent("summary_error", PanelErrorSchema, "summary", "The summary cannot be shown at all."),
    ServerEvent("status_update", StatusUpdateSchema, "status", "Features, errors and health."),
    ServerEvent("chat_thinking", ChatThinkingSchema, "chat", "An answer is being made."),
    ServerEvent("chat_delta", ChatDeltaSchema, "chat", "The next piece of an answer."),
    ServerEvent("chat_response", ChatResponseSchema, "chat", "A whole answer."),
    ServerEvent("chat_error", ChatErrorSchema, "chat", "An answer failed, and what to do."),
    ServerEvent("scan_progress", ScanProgressSchema, "scans", "How far one's scan is, at least every 250 ms."),
    ServerEvent("scan_result", ScanResultSchema, "scans", "How one's scan ended, and what to look at first."),
    ServerEvent("alert_raised", AlertEventSchema, "alerts", "An alert was raised, or has changed."),
    ServerEvent("alert_resolved", AlertEventSchema, "alerts", "What an alert was about is over."),
    ServerEvent("notice", NoticeSchema, "notice", "Something that everybody should know."),
]


@dataclass(frozen=True)
class Realtime:
    """The socket side, ready to start."""

    entrance: SocketEntrance
    pushes: Pushes
    document: dict[str, Any]
    connections: Connections


def make_broadcaster(socketio: SocketIO, connections: Connections) -> tuple[Broadcaster, EventsLog]:
    """Return what publishes, and the log it numbers events in: of this process alone."""
    replay = Replay(KEPT)
    return Broadcaster(SocketTransport(socketio), replay, connections), replay


def install(
    socketio: SocketIO,
    dashboard: JupiterDashboard,
    broadcaster: Broadcaster,
    replay: EventsLog,
    connections: Connections,
    *,
    tokens: Tokens,
    sessions: Sessions,
    limiter: RateLimiter,
    errors: ErrorAnswers,
    version: str,
    leads: Callable[[], bool] | None = None,
    worker: str = "",
) -> Realtime:
    """Register every event on `socketio`.

    Args:
        leads: tells whether this is the worker that tells everybody what all of them see; None where it is alone.
        worker: its name, where there are several.
    """
    events = client_events(dashboard, Answers(broadcaster, errors), replay, worker=worker)
    door = EventDoor(events, connections, limiter, errors, current=sessions.current)
    entrance = SocketEntrance(
        socketio, door, connections, tokens=tokens, sessions=sessions, limiter=limiter, errors=errors
    )
    entrance.install()
    pushes = Pushes(
        broadcaster,
        threats=dashboard.threats,
        pulse=dashboard.pulse,
        status=dashboard.status,
        summaries=dashboard.summaries,
        experiments=dashboard.experiments,
        leads=leads,
    )
    document = asyncapi.document(events, SERVER_EVENTS, version=version)
    return Realtime(entrance, pushes, document, connections)


def client_events(
    dashboard: JupiterDashboard, answers: Answers, replay: EventsLog, *, worker: str = ""
) -> list[ClientEvent]:
    """Return everything that clients may send."""
    return [
        *chat_events.events(dashboard.chat),
        *threat_events.events(dashboard.threats, answers),
        *pulse_events.events(dashboard.pulse, answers),
        *summary_events.events(dashboard.summaries, answers),
        *status_events.events(dashboard.status, answers),
        *sync_events.events(replay, _snapshots(dashboard), worker=worker),
    ]


def _snapshots(dashboard: JupiterDashboard) -> Snapshots:
    """The present state of each stream, for a client that has nothing or missed too much."""

    def summary(user: str) -> list[tuple[str, Mapping[str, Any]]]:
        try:
            return [("summary_update", dashboard.summaries.summary(user))]
        except DashboardError:
            return []  # recorded by the guard; the page asks by itself and is answered with the error

    return {
        "threats": lambda _: [("threats_update", dashboard.threats.query({}))],
        "pulse": lambda _: [("pulse_update", dashboard.pulse.query({}))],
        "status": lambda _: [("status_update", dashboard.status.status())],
        "summary": summary,
        "scans": lambda user: _or_nothing(dashboard.triage.scans.snapshot, user),
        "alerts": lambda user: _or_nothing(dashboard.triage.alerts.snapshot, user),
    }


def _or_nothing(snapshot: Snapshot, user: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The page that gets nothing asks over REST, and is told there what is wrong."""
    try:
        return snapshot(user)
    except DashboardError:
        return []
