"""GET /api/openapi.json and /api/asyncapi.json: what there is, generated from what checks it."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Api, Blueprint

from backend.api.answers import answer
from backend.security.door import access


def blueprint(api: Api, asyncapi: dict[str, Any]) -> Blueprint:
    """Return the routes of the two documents.

    Args:
        api: knows all REST routes.
        asyncapi: the document of the socket events.
    """
    routes = Blueprint("documents", __name__, url_prefix="/api", description="Machine-readable contracts")

    @routes.route("/openapi.json")
    @routes.response(200)
    @access("viewer")
    def openapi() -> Response:
        """Describe every REST route (OpenAPI 3.1)."""
        return answer(api.spec.to_dict())

    @routes.route("/asyncapi.json")
    @routes.response(200)
    @access("viewer")
    def show_asyncapi() -> Response:
        """Describe every socket event (AsyncAPI 3.0)."""
        return answer(asyncapi)

    return routes
