"""request_pulse."""

from __future__ import annotations

from typing import Any

from backend.dashboard.pulse.service import PulseService
from backend.realtime.answers import Answers
from backend.realtime.connections import Connection
from backend.realtime.door import ClientEvent
from backend.schemas.pulse import PulseQuerySchema


def events(pulse: PulseService, answers: Answers) -> list[ClientEvent]:
    """Return the events about pulse."""

    def request_pulse(connection: Connection, query: dict[str, Any]) -> None:
        answers.later(connection.sid, "pulse", lambda: pulse.query(query))

    return [
        ClientEvent(
            "request_pulse",
            PulseQuerySchema,
            request_pulse,
            "Ask for pulse.",
            answers=("pulse_loading", "pulse_update", "pulse_error"),
            marker="📊",
        )
    ]
