"""The threats: list, one of them, and the list as a file."""

from __future__ import annotations

from typing import Any

from flask import Response

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.threats.service import ThreatService
from backend.schemas.threats import (
    ThreatDetailSchema,
    ThreatExportSchema,
    ThreatQuerySchema,
    ThreatsUpdateSchema,
)
from backend.security.door import access


def blueprint(threats: ThreatService) -> Blueprint:
    """Return the routes about threats."""
    routes = Blueprint("threats", __name__, url_prefix="/api", description="Vulnerabilities and other threats")

    @routes.route("/threats")
    @routes.arguments(ThreatQuerySchema(), location="query")
    @routes.response(200, ThreatsUpdateSchema)
    @access("viewer")
    def list_threats(query: dict[str, Any]) -> Response:
        """List threats, the most urgent first, with the state of each source."""
        return answer(threats.query(query))

    @routes.route("/threats/export")
    @routes.arguments(ThreatExportSchema(), location="query")
    @routes.response(200, content_type="text/csv")
    @access("viewer")
    def export_threats(query: dict[str, Any]) -> Response:
        """Export the rows of a list, in its order, as CSV, JSON or STIX 2.1."""
        file = threats.export(query)
        headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(file.body, 200, headers, content_type=file.content_type)

    @routes.route("/threats/<string:threat_id>")
    @routes.response(200, ThreatDetailSchema)
    @access("viewer")
    def get_threat(threat_id: str) -> Response:
        """Read one threat, by its id or another name: what is known of it, and which source says what."""
        return answer(threats.get(threat_id))

    return routes
