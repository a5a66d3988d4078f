"""GET /api/threats."""

from __future__ import annotations

from typing import Any

from flask import Response

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.threats import ThreatService
from backend.schemas.threats import ThreatQuerySchema, ThreatsUpdateSchema
from backend.security.door import access


def blueprint(threats: ThreatService) -> Blueprint:
    """Return the routes about threats."""
    routes = Blueprint("threats", __name__, url_prefix="/api", description="Known exploited vulnerabilities")

    @routes.route("/threats")
    @routes.arguments(ThreatQuerySchema(), location="query")
    @routes.response(200, ThreatsUpdateSchema)
    @access("viewer")
    def list_threats(query: dict[str, Any]) -> Response:
        """List threats, newest and most likely first, with the state of each source."""
        return answer(threats.query(query))

    return routes
