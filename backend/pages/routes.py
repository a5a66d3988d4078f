"""The pages a person opens: dashboard, console, status, sign-in; and the probes that machines ask."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, render_template, request, session, url_for

from backend.dashboard.status import StatusService
from backend.errors import AuthenticationError
from backend.monitoring import metrics as metrics_form
from backend.monitoring.metrics import Metrics
from backend.security.door import access
from backend.security.sessions import Sessions

logger = logging.getLogger("jupiter.pages")


def blueprint(sessions: Sessions, status: StatusService, metrics: Metrics, is_ready: Callable[[], bool]) -> Blueprint:
    """Return the pages."""
    pages = Blueprint("pages", __name__)

    @pages.route("/")
    @access("viewer")
    def dashboard() -> str:
        return render_template("dashboard.html")

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
        return render_template("status.html", **_public_status(status))

    @pages.route("/status.json")
    @access("public")
    def status_json() -> dict[str, Any]:
        return _public_status(status)

    @pages.route("/login", methods=["GET"])
    @access("public", limit="logins")
    def login_form() -> Response | str:
        token = request.args.get("token")
        if token:
            return _sign_in(sessions, token)
        return render_template("login.html", error=None, next=_local(request.args.get("next")))

    @pages.route("/login", methods=["POST"])
    @access("public", limit="logins")
    def login() -> Response:
        return _sign_in(sessions, request.form.get("token", ""))

    @pages.route("/logout", methods=["POST"])
    @access("viewer")
    def logout() -> Response:
        sessions.close(session)
        return _to("/login")

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


def to_sign_in() -> Response:
    """Send a person who follows a link to the sign-in page, and back afterwards."""
    wanted = _local(request.full_path.rstrip("?"))
    return _to(url_for("pages.login_form", next=wanted) if wanted != "/" else url_for("pages.login_form"))


def _sign_in(sessions: Sessions, token: str) -> Response:
    try:
        principal = sessions.open(session, token.strip())
    except AuthenticationError:
        page = render_template(
            "login.html",
            error="This token is not valid, or has expired. The link printed at the start always works.",
            next=_local(request.values.get("next")),
        )
        return Response(page, 401)
    session.permanent = True
    logger.info("✅ Signed in", extra={"user": principal.user_id})
    return _to(_local(request.values.get("next")))


def _public_status(status: StatusService) -> dict[str, Any]:
    """What everybody may know: which feature works, no reasons, names of dependencies or counts."""
    state = status.status()
    return {
        "health": state["health"],
        "as_of": state["timestamp"],
        "features": {
            name: "operational" if feature["enabled"] and feature["circuit_breaker"] == "closed" else "degraded"
            for name, feature in state["features"].items()
        },
        "incidents": [],
    }


def _local(address: str | None) -> str:
    """Return an address on this site; anything else becomes the dashboard (no open redirect)."""
    parts = urlsplit(address or "/")
    safe = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    return (address or "/") if safe and "\\" not in (address or "") else "/"


def _to(address: str) -> Response:
    return redirect(address, 303)  # type: ignore[return-value]  # a werkzeug Response, which Flask takes as well
