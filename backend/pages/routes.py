"""The pages a person opens: dashboard, console, status; and the probes that machines ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, render_template

from backend.dashboard.status import StatusService
from backend.monitoring import metrics as metrics_form
from backend.monitoring.metrics import Metrics
from backend.security.door import access

KEEPS_CALLS_BACK = frozenset({"open", "half_open", "forced_open"})


def blueprint(status: StatusService, metrics: Metrics, is_ready: Callable[[], bool]) -> Blueprint:
    """Return the pages."""
    pages = Blueprint("pages", __name__)

    @pages.route("/")
    @access("viewer")
    def dashboard() -> str:
        return render_template("dashboard.html")

    @pages.route("/experiments")
    @access("viewer")
    def experiments() -> str:
        return render_template("experiments.html")

    @pages.route("/admin")
    @access("administrator")
    def console() -> str:
        return render_template(
            "console.html",
            stats=status.error_stats(),
            errors=status.recent_errors(50),
            features=status.features(),
        )

    @pages.route("/status")
    @access("public")
    def status_page() -> str:
        told = _public_status(status)
        shown = {name: told[name] for name in ("health", "features")}
        return render_template("status.html", **told, shown=shown)

    @pages.route("/status.json")
    @access("public")
    def status_json() -> dict[str, Any]:
        return _public_status(status)

    @pages.route("/metrics")
    @access("viewer")
    def show_metrics() -> Response:
        return Response(metrics.exposition(), content_type=metrics_form.CONTENT_TYPE)

    @pages.route("/livez")
    @access("public", limit="static")
    def livez() -> dict[str, str]:
        return {"status": "alive"}

    @pages.route("/readyz")
    @access("public", limit="static")
    def readyz() -> tuple[dict[str, str], int]:
        return ({"status": "ready"}, 200) if is_ready() else ({"status": "not ready"}, 503)

    return pages


def _public_status(status: StatusService) -> dict[str, Any]:
    """What everybody may know: which feature works, no reasons, names of dependencies or counts."""
    state = status.status()
    return {
        "health": state["health"],
        "as_of": state["timestamp"],
        "features": {name: _public_word(feature) for name, feature in state["features"].items()},
    }


def _public_word(feature: Mapping[str, Any]) -> str:
    """A feature goes on without one of its dependencies, but not as whole as the page would have it."""
    parts = (feature, *feature.get("dependencies", {}).values())
    works = feature["enabled"] and not any(part["circuit_breaker"] in KEEPS_CALLS_BACK for part in parts)
    return "operational" if works else "degraded"
