"""The watch list: ids, vendors and products that a person watches."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.alerts.watch_list import WatchList
from backend.schemas.alerts import WatchCreateSchema, WatchEntrySchema, WatchListSchema
from backend.security.door import access


def blueprint(watched: WatchList) -> Blueprint:
    """Return the routes about what is watched. Everybody sees their own only."""
    routes = Blueprint("watch_list", __name__, url_prefix="/api/watch-list", description="What one watches")

    @routes.route("", methods=["GET"])
    @routes.response(200, WatchListSchema)
    @access("viewer")
    def list_watched() -> Response:
        """List what is watched, the newest first."""
        return answer(watched.list(g.principal.user_id))

    @routes.route("", methods=["POST"])
    @routes.arguments(WatchCreateSchema())
    @routes.response(201, WatchEntrySchema)
    @access("analyst")
    def watch(body: dict[str, Any]) -> Response:
        """Watch for a vulnerability, or for the words of a vendor or product."""
        return answer(watched.add(g.principal.user_id, body), 201)

    @routes.route("/<uuid:entry_id>", methods=["DELETE"])
    @routes.response(204)
    @access("analyst")
    def unwatch(entry_id: Any) -> Response:
        """Watch for it no more."""
        watched.remove(g.principal.user_id, str(entry_id))
        return Response(status=204)

    return routes
