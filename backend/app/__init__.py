"""The composition root: the only place where real adapters are built and parts are put together.

`create_app(settings, database=..., llm=...)` takes parts in place of the real ones, which is how tests put fakes in.
"""

from __future__ import annotations

from typing import Any

from flask import Flask

from backend.api.demo import Simulators
from backend.app import http
from backend.app.accounts import make_accounts
from backend.app.adapters import make_adapters
from backend.app.dashboard import make_dashboard
from backend.app.jupiter import Jupiter
from backend.app.kit import Kit, keep_errors, make_fleet
from backend.app.security import admin_token, make_security, make_tokens
from backend.app.workers import make_workers, share_events, share_revocations
from backend.config import Settings
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.scans.service import ScanService
from backend.monitoring.metrics import Metrics
from backend.pages.context import VERSION
from backend.realtime import wiring
from backend.realtime.connections import Connections
from backend.realtime.sockets import make_socketio
from backend.security.secrets import private_directory
from backend.security.tokens import ADMINISTRATOR

__all__ = ["Jupiter", "create_app", "make_tokens"]


def create_app(settings: Settings, *, simulators: Simulators | None = None, **replaced: Any) -> Flask:
    """Build the application; nothing runs in the background before `app.extensions["jupiter"].start()`.

    Args:
        settings: see `config.load_settings`.
        simulators: the demo's upstreams, which get routes to switch them.
        replaced: adapters in place of the real ones: database, llm, cache, fetcher.

    Raises:
        OSError: the data directory cannot be written.
    """
    private_directory(settings.data_dir)
    kit, metrics = Kit(make_fleet(settings)), Metrics()
    keep_errors(kit, settings)
    workers = make_workers(settings, kit)
    security = make_security(settings, counters=workers.counters if workers else None)
    app = http.make_flask(settings)
    socketio = make_socketio(app, settings.async_mode, websocket_only=settings.workers > 1)
    connections = Connections()
    broadcaster, replay = wiring.make_broadcaster(socketio, connections)
    if workers is not None:
        replay = share_events(workers, broadcaster)
        share_revocations(workers, security.sessions.revocations)
    adapters = make_adapters(settings, replaced)
    dashboard = make_dashboard(settings, kit, adapters, broadcaster, workers)
    accounts = make_accounts(settings, kit.guards, adapters.database, security)
    sockets = wiring.install(
        socketio,
        dashboard,
        broadcaster,
        replay,
        connections,
        tokens=security.tokens,
        sessions=security.sessions,
        limiter=security.limiter,
        errors=kit.errors,
        version=VERSION,
        leads=(lambda: workers.lead.held) if workers else None,
        worker=workers.name if workers else "",
    )
    if workers is not None:
        workers.serve(dashboard.chat, sockets.pushes, metrics)
    jupiter = Jupiter(app, socketio, dashboard, sockets, metrics, admin_token(settings), adapters, accounts, workers)
    http.install(settings, jupiter, security, kit, simulators)
    for told in (metrics.saw, sockets.pushes.saw, dashboard.threats.on_event, dashboard.pulse.on_event):
        kit.listeners.subscribe(told)
    metrics.gauge("jupiter_sockets", "Open sockets", lambda: float(jupiter.sockets_open()))
    outbox = dashboard.records.outbox
    metrics.gauge("jupiter_outbox_pending", "Writes that wait for the database", lambda: float(outbox.counts().pending))
    metrics.gauge("jupiter_outbox_set_aside", "Writes it refused", lambda: float(outbox.counts().set_aside))
    app.extensions["jupiter"] = jupiter
    if simulators is not None:
        _begin_with(dashboard.experiments, dashboard.triage.scans, simulators)
    return app


def _begin_with(experiments: ExperimentService, scans: ScanService, invented: Simulators) -> None:
    """Give the demo's administrator something to see, at its first start."""
    if not experiments.list(ADMINISTRATOR)["total"]:
        for experiment in invented.experiments():
            experiments.create(ADMINISTRATOR, experiment)
    if not scans.list(ADMINISTRATOR, {})["total"]:
        for filename, report in invented.scans():  # worked off when the server has begun
            scan_id, upload = scans.begin(ADMINISTRATOR)
            upload.write(report)
            scans.accept(ADMINISTRATOR, scan_id, upload, filename=filename)
