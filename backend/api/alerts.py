"""Alerts: list, acknowledge, resolve."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.alerts.service import AlertService
from backend.schemas.alerts import AlertListQuery, AlertListSchema, AlertSchema
from backend.security.door import access


def blueprint(alerts: AlertService) -> Blueprint:
    """Return the routes about alerts. Everybody sees their own only."""
    routes = Blueprint("alerts", __name__, url_prefix="/api/alerts", description="Alerts of one's own")

    @routes.route("", methods=["GET"])
    @routes.arguments(AlertListQuery(), location="query")
    @routes.response(200, AlertListSchema)
    @access("viewer")
    def list_alerts(query: dict[str, Any]) -> Response:
        """List alerts, the newest first."""
        return answer(alerts.list(g.principal.user_id, query))

    @routes.route("/<uuid:alert_id>/acknowledge", methods=["POST"])
    @routes.response(200, AlertSchema)
    @access("analyst")
    def acknowledge_alert(alert_id: Any) -> Response:
        """Note that an alert was seen."""
        return answer(alerts.acknowledge(g.principal.user_id, str(alert_id)))

    @routes.route("/<uuid:alert_id>/resolve", methods=["POST"])
    @routes.response(200, AlertSchema)
    @access("analyst")
    def resolve_alert(alert_id: Any) -> Response:
        """Note that what an alert is about is over."""
        return answer(alerts.resolve(g.principal.user_id, str(alert_id)))

    return routes
