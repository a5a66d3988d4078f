"""GET /api/error-stats and /api/recent-errors: the errors that Jupiter has seen."""

from __future__ import annotations

from typing import Any

from flask import Response

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.status import StatusService
from backend.schemas.status import ErrorStatsSchema, RecentErrorsQuery, RecentErrorsSchema
from backend.security.door import access


def blueprint(status: StatusService) -> Blueprint:
    """Return the routes about errors."""
    routes = Blueprint("errors", __name__, url_prefix="/api", description="Errors that were seen")

    @routes.route("/error-stats")
    @routes.response(200, ErrorStatsSchema)
    @access("viewer")
    def error_stats() -> Response:
        """Count the errors of the last hour by type."""
        return answer(status.error_stats())

    @routes.route("/recent-errors")
    @routes.arguments(RecentErrorsQuery(), location="query")
    @routes.response(200, RecentErrorsSchema)
    @access("analyst")
    def recent_errors(query: dict[str, Any]) -> Response:
        """List the newest errors first, with their context."""
        return answer({"errors": status.recent_errors(query["limit"])})

    return routes
