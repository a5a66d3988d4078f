"""Everything that answers HTTP."""

from __future__ import annotations

import datetime
import logging
from pathlib import Path

from flask import Flask, Response, request

from backend.api import accounts as account_routes
from backend.api import alerts as alert_routes
from backend.api import answers, conversations, demo, documents, errors_seen, experiments, features, outbox
from backend.api import audit as audit_routes
from backend.api import dashboard as dashboard_routes
from backend.api import errors as api_errors
from backend.api import pulse as pulse_routes
from backend.api import scans as scan_routes
from backend.api import threats as threat_routes
from backend.api import watch_list as watch_list_routes
from backend.api.ready_answers import Kept, ReadyAnswers
from backend.app.jupiter import Jupiter
from backend.app.kit import Kit
from backend.app.security import Security, secret_key
from backend.config import Settings
from backend.dashboard.audit.log import AuditLog
from backend.dashboard.features import FeatureService
from backend.pages import context as page_context
from backend.pages import routes as pages
from backend.pages import sign_in as sign_in_pages
from backend.security.cookies import CookieSessions
from backend.security.framing import Framing
from backend.security.headers import SecurityHeaders
from backend.security.proxies import behind_proxies

logger = logging.getLogger("jupiter.http")

ROOT = Path(__file__).resolve().parents[2]


def make_flask(settings: Settings) -> Flask:
    """Make the Flask application, still without routes."""
    app = Flask("jupiter", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.session_interface = CookieSessions()
    app.config.update(
        SECRET_KEY=secret_key(settings),
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        SESSION_COOKIE_NAME="jupiter_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=datetime.timedelta(hours=settings.session_hours),
        SESSION_REFRESH_EACH_REQUEST=False,
        API_TITLE="Jupiter",
        API_VERSION=page_context.VERSION,
        OPENAPI_VERSION="3.1.0",
    )
    return app


def install(
    settings: Settings, jupiter: Jupiter, security: Security, kit: Kit, simulators: demo.Simulators | None
) -> None:
    """Register every route, page, error and header."""
    app, dashboard, accounts = jupiter.app, jupiter.dashboard, jupiter.accounts
    audit = AuditLog(jupiter.adapters.database, dashboard.records.stored)
    answers.install(app)
    api = api_errors.JupiterApi(app)
    security.door.install(app)
    blueprints = [
        dashboard_routes.blueprint(dashboard.summaries, dashboard.status),
        errors_seen.blueprint(dashboard.status),
        features.blueprint(_features(jupiter, kit, audit)),
        experiments.blueprint(
            dashboard.experiments,
            dashboard.records.importing,
            dashboard.records.exporting,
            max_import_bytes=settings.records.import_max_bytes,
            note=audit.note,
        ),
        outbox.blueprint(dashboard.records.outbox),
        threat_routes.blueprint(dashboard.threats),
        pulse_routes.blueprint(dashboard.pulse),
        conversations.blueprint(dashboard.chat),
        conversations.models_blueprint(dashboard.chat),
        scan_routes.blueprint(dashboard.triage.scans),
        alert_routes.blueprint(dashboard.triage.alerts),
        watch_list_routes.blueprint(dashboard.triage.watched),
        account_routes.blueprint(accounts.service),
        audit_routes.blueprint(accounts.trail),
        documents.blueprint(api, jupiter.sockets.document),
    ]
    if simulators is not None:
        blueprints.append(demo.blueprint(simulators, audit.note))
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    page_context.install(app, ROOT / "static", demo=settings.demo, websocket_only=settings.workers > 1)
    app.register_blueprint(pages.blueprint(dashboard.status, jupiter.metrics, jupiter.ready.is_set))
    app.register_blueprint(
        sign_in_pages.blueprint(security.sessions, jupiter.accounts.sign_in, jupiter.accounts.service)
    )
    api_errors.install(app, kit.errors, sign_in_pages.to_sign_in)
    kept = {"/api/dashboard/summary": Kept("dashboard.summary", dashboard.summaries.summary_bytes)}
    ready = ReadyAnswers(app, app.wsgi_app, security.door, kept, answered=jupiter.metrics.answered)
    outermost = behind_proxies(SecurityHeaders(Framing(ready)), settings.trusted_proxies)
    app.wsgi_app = outermost  # type: ignore[assignment,method-assign]

    worker = jupiter.workers.name if jupiter.workers else None

    @app.after_request
    def note(response: Response) -> Response:
        if worker is not None:
            response.headers["Jupiter-Worker"] = worker
        jupiter.metrics.answered(request.endpoint or "unknown", response.status_code)
        if request.method not in ("GET", "HEAD"):  # what is refused is logged with its error
            logger.log(logging.INFO if response.status_code < 400 else logging.DEBUG, "✅ %s", response.status)
        return response


def _features(jupiter: Jupiter, kit: Kit, audit: AuditLog) -> FeatureService:
    workers = jupiter.workers
    if workers is None:
        return FeatureService(kit.guards, kit.degradation, audit)
    return FeatureService(kit.guards, kit.degradation, audit, decision=workers.overrides.decision)
