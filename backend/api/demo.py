"""The demo's simulated upstreams and their switches; these routes exist in the demo only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.errors import NotFoundError, ValidationError
from backend.schemas.demo import DemoModeSchema, DemoUpstreamsSchema
from backend.security.door import access


class Simulators(Protocol):
    """What the demo offers."""

    def experiments(self) -> list[dict[str, Any]]:
        """Return invented experiments to begin with."""

    def scans(self) -> list[tuple[str, bytes]]:
        """Return invented scan reports to begin with: file name and content."""

    def upstreams(self) -> list[dict[str, Any]]:
        """Return name, title, mode, modes, requests and address of each."""

    def set_mode(self, name: str, mode: str) -> None:
        """Make an upstream slow, broken or well again; ValueError for a mode it does not have."""


def blueprint(demo: Simulators, note: Callable[..., None]) -> Blueprint:
    """Return the routes about simulated upstreams.

    Args:
        demo: the simulators.
        note: writes to the audit log.
    """
    routes = Blueprint("demo", __name__, url_prefix="/api/demo", description="Simulated upstreams of the demo")

    @routes.route("/upstreams", methods=["GET"])
    @routes.response(200, DemoUpstreamsSchema)
    @access("administrator")
    def list_upstreams() -> Response:
        """List the simulated upstreams and how each behaves."""
        return answer({"upstreams": demo.upstreams()})

    @routes.route("/upstreams/<string:name>", methods=["POST"])
    @routes.arguments(DemoModeSchema())
    @routes.response(200, DemoUpstreamsSchema)
    @access("administrator")
    def switch_upstream(body: dict[str, Any], name: str) -> Response:
        """Make an upstream slow, broken or well again."""
        if name not in {known["name"] for known in demo.upstreams()}:
            raise NotFoundError(f"there is no upstream {name[:60]!r}")
        try:
            demo.set_mode(name, body["mode"])
        except ValueError as error:
            raise ValidationError(str(error), details={"mode": [str(error)]}) from None
        note(g.principal.user_id, "demo_mode", name, mode=body["mode"])
        return answer({"upstreams": demo.upstreams()})

    return routes
