"""GET /api/dashboard/summary and /api/dashboard/health."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request

from backend.api.answers import answer, raw_answer
from backend.api.parsing import Blueprint
from backend.dashboard.status import StatusService
from backend.dashboard.summary.service import SummaryService
from backend.schemas.events import RequestSummarySchema
from backend.schemas.status import HealthSchema
from backend.schemas.summary import SummarySchema
from backend.security.door import access


def blueprint(summaries: SummaryService, status: StatusService) -> Blueprint:
    """Return the routes about the dashboard as a whole."""
    routes = Blueprint("dashboard", __name__, url_prefix="/api/dashboard", description="The whole at a glance")

    @routes.route("/summary")
    @routes.arguments(RequestSummarySchema(), location="query")
    @routes.response(200, SummarySchema)
    @access("viewer")
    def summary(query: dict[str, Any]) -> Response:
        """Sum up one's own experiments. A part that fails is named; older data is marked as such."""
        user = g.principal.user_id
        kept = None if query["force_refresh"] else summaries.summary_bytes(user)
        if kept is None:
            return answer(summaries.summary(user, force_refresh=query["force_refresh"]))
        body, etag = kept
        headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}
        if request.if_none_match.contains_weak(etag):
            return Response(status=304, headers=headers)
        return raw_answer(body, headers=headers)

    @routes.route("/health")
    @routes.response(200, HealthSchema)
    @routes.alt_response(503, schema=HealthSchema, description="Unhealthy")
    @access("viewer")
    def health() -> Response:
        """Check the database, the cache, each source and the language model."""
        report = status.health()
        return answer(report, 503 if report["status"] == "unhealthy" else 200)

    return routes
