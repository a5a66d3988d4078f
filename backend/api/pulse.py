"""GET /api/pulse and the items of one topic."""

from __future__ import annotations

from typing import Any

from flask import Response

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.pulse.service import PulseService
from backend.schemas.pulse import PulseItemsQuerySchema, PulseItemsSchema, PulseQuerySchema, PulseUpdateSchema
from backend.security.door import access


def blueprint(pulse: PulseService) -> Blueprint:
    """Return the routes about the community pulse."""
    routes = Blueprint("pulse", __name__, url_prefix="/api", description="What the security community talks about")

    @routes.route("/pulse")
    @routes.arguments(PulseQuerySchema(), location="query")
    @routes.response(200, PulseUpdateSchema)
    @access("viewer")
    def show_pulse(query: dict[str, Any]) -> Response:
        """List the topics of a time window with their mentions, sources and velocity."""
        return answer(pulse.query(query))

    @routes.route("/pulse/items")
    @routes.arguments(PulseItemsQuerySchema(), location="query")
    @routes.response(200, PulseItemsSchema)
    @access("viewer")
    def show_items(query: dict[str, Any]) -> Response:
        """List what was published about one topic, newest first, with the threat records that it names."""
        return answer(pulse.items(query))

    return routes
