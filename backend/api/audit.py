"""Who did what, for administrators."""

from __future__ import annotations

from typing import Any

from flask import Response

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.audit.trail import AuditTrail
from backend.schemas.accounts import AuditQuerySchema, AuditSchema
from backend.security.door import access


def blueprint(trail: AuditTrail) -> Blueprint:
    """Return the routes about the audit log."""
    routes = Blueprint("audit", __name__, url_prefix="/api/audit", description="Who did what")

    @routes.route("")
    @routes.arguments(AuditQuerySchema(), location="query")
    @routes.response(200, AuditSchema)
    @access("administrator")
    def list_acts(query: dict[str, Any]) -> Response:
        """List administrative acts, the newest first."""
        return answer(trail.page(query))

    return routes
