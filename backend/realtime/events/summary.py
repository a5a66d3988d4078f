"""request_summary."""

from __future__ import annotations

from typing import Any

from backend.dashboard.summary.service import SummaryService
from backend.realtime.answers import Answers
from backend.realtime.connections import Connection
from backend.realtime.door import ClientEvent
from backend.schemas.events import RequestSummarySchema


def events(summaries: SummaryService, answers: Answers) -> list[ClientEvent]:
    """Return the events about the experiment summary."""

    def request_summary(connection: Connection, query: dict[str, Any]) -> None:
        user = connection.principal.user_id
        answers.later(
            connection.sid,
            "summary",
            lambda: summaries.summary(user, force_refresh=query["force_refresh"]),
            loading=False,
        )

    return [
        ClientEvent(
            "request_summary",
            RequestSummarySchema,
            request_summary,
            "Ask for the summary of one's own experiments.",
            answers=("summary_update", "summary_error"),
        )
    ]
