"""The outbox: what waits for the database, and what it has refused."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.outbox import OutboxService
from backend.schemas.outbox import OutboxActSchema, OutboxQuerySchema, OutboxSchema
from backend.security.door import access


def blueprint(outbox: OutboxService) -> Blueprint:
    """Return the routes about the outbox."""
    routes = Blueprint("outbox", __name__, url_prefix="/api/outbox", description="Writes that wait for the database")

    @routes.route("", methods=["GET"])
    @routes.arguments(OutboxQuerySchema(), location="query")
    @routes.response(200, OutboxSchema)
    @access("administrator")
    def list_outbox(query: dict[str, Any]) -> Response:
        """List what waits and what was set aside, in order."""
        return answer(outbox.list(query))

    @routes.route("/<uuid:entry_id>/retry", methods=["POST"])
    @routes.response(200, OutboxActSchema)
    @access("administrator")
    def retry(entry_id: Any) -> Response:
        """Try a write that was set aside once more."""
        entry = outbox.retry(str(entry_id), by=g.principal.user_id)
        return answer({"success": True, "message": f"The {entry.write.operation} is tried again"})

    @routes.route("/<uuid:entry_id>/discard", methods=["POST"])
    @routes.response(200, OutboxActSchema)
    @access("administrator")
    def discard(entry_id: Any) -> Response:
        """Give up a write that was set aside."""
        entry = outbox.discard(str(entry_id), by=g.principal.user_id)
        return answer({"success": True, "message": f"The {entry.write.operation} is discarded"})

    return routes
