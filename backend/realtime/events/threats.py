"""request_threats."""

from __future__ import annotations

from typing import Any

from backend.dashboard.threats.service import ThreatService
from backend.realtime.answers import Answers
from backend.realtime.connections import Connection
from backend.realtime.door import ClientEvent
from backend.schemas.threats import ThreatQuerySchema


def events(threats: ThreatService, answers: Answers) -> list[ClientEvent]:
    """Return the events about threats."""

    def request_threats(connection: Connection, query: dict[str, Any]) -> None:
        answers.later(connection.sid, "threats", lambda: threats.query(query))

    return [
        ClientEvent(
            "request_threats",
            ThreatQuerySchema,
            request_threats,
            "Ask for threats.",
            answers=("threats_loading", "threats_update", "threats_error"),
            marker="🔍",
        )
    ]
