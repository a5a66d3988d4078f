"""Feature and breaker state, resets and overrides."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.features import FeatureService
from backend.schemas.status import DisableFeatureSchema, FeaturesSchema, ResetSchema
from backend.security.door import access


def blueprint(features: FeatureService) -> Blueprint:
    """Return the routes about features."""
    routes = Blueprint("features", __name__, url_prefix="/api", description="What works, and switches for it")

    @routes.route("/feature-status")
    @routes.response(200, FeaturesSchema)
    @access("viewer")
    def feature_status() -> Response:
        """Show each feature's state and that of its circuit breaker."""
        return answer(features.status())

    def reset(feature: str) -> Response:
        """Close the circuit breakers of a feature and enable it."""
        name = features.reset(feature, by=g.principal.user_id)
        return answer({"success": True, "message": f"Circuit breaker reset for {name}"})

    # the documented contract has GET here; it changes state, so it is taken with a bearer token only
    for method in ("POST", "GET"):
        view = access("administrator", bearer_for_get=True)(_copy(reset))
        routes.route("/reset-circuit-breaker/<string:feature>", methods=[method], endpoint=f"reset_{method.lower()}")(
            routes.response(200, ResetSchema)(view)
        )

    @routes.route("/features/<string:feature>/disable", methods=["POST"])
    @routes.arguments(DisableFeatureSchema())
    @routes.response(200, ResetSchema)
    @access("administrator")
    def disable(body: dict[str, Any], feature: str) -> Response:
        """Switch a feature off until it is switched on by hand, or for so many seconds."""
        name = features.disable(feature, body["reason"], by=g.principal.user_id, seconds=body.get("seconds"))
        return answer({"success": True, "message": f"{name} is switched off"})

    @routes.route("/features/<string:feature>/enable", methods=["POST"])
    @routes.response(200, ResetSchema)
    @access("administrator")
    def enable(feature: str) -> Response:
        """Switch a feature on again."""
        name = features.enable(feature, by=g.principal.user_id)
        return answer({"success": True, "message": f"{name} is switched on"})

    return routes


def _copy(view: Any) -> Any:
    """A function of its own for each method, since documentation is kept on the function."""

    def copied(feature: str) -> Response:
        response: Response = view(feature)
        return response

    copied.__doc__ = view.__doc__
    return copied
