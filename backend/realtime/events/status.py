"""request_status."""

from __future__ import annotations

from typing import Any

from backend.dashboard.status import StatusService
from backend.realtime.answers import Answers
from backend.realtime.connections import Connection
from backend.realtime.door import ClientEvent
from backend.schemas.events import EmptySchema


def events(status: StatusService, answers: Answers) -> list[ClientEvent]:
    """Return the events about system status."""

    def request_status(connection: Connection, _: dict[str, Any]) -> None:
        answers.later(connection.sid, "status", lambda: status.status(fresh=True), loading=False)

    return [
        ClientEvent(
            "request_status",
            EmptySchema,
            request_status,
            "Ask for features, errors and health.",
            answers=("status_update",),
        )
    ]
