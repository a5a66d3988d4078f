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
from backend.app.jupiter import Jupiter
from backend.app.kit import Kit
from backend.app.security import admin_token, make_security, make_tokens
from backend.app.services import make_services
from backend.config import Settings
from backend.dashboard.experiments import ExperimentService
from backend.monitoring.metrics import Metrics
from backend.pages.context import VERSION
from backend.realtime import wiring
from backend.realtime.connections import Connections
from backend.realtime.sockets import make_socketio
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
    kit, metrics, security = Kit(), Metrics(), make_security(settings)
    app = http.make_flask(settings)
    socketio, connections = make_socketio(app, settings.async_mode), Connections()
    broadcaster, replay = wiring.make_broadcaster(socketio, connections)
    adapters = make_adapters(settings, replaced)
    services = make_services(settings, kit, adapters, broadcaster)
    accounts = make_accounts(settings, kit, adapters, security)
    sockets = wiring.install(
        socketio,
        services,
        broadcaster,
        replay,
        connections,
        tokens=security.tokens,
        sessions=security.sessions,
        limiter=security.limiter,
        errors=kit.errors,
        version=VERSION,
    )
    jupiter = Jupiter(app, socketio, services, sockets, metrics, admin_token(settings), adapters, accounts)
    http.install(settings, jupiter, security, kit, simulators)
    for told in (metrics.saw, sockets.pushes.saw, services.threats.on_event, services.pulse.on_event):
        kit.listeners.subscribe(told)
    metrics.gauge("jupiter_sockets", "Open sockets", lambda: float(len(connections)))
    app.extensions["jupiter"] = jupiter
    if simulators is not None:
        _begin_with(services.experiments, simulators.experiments())
    return app


def _begin_with(experiments: ExperimentService, invented: list[dict[str, Any]]) -> None:
    """Give the demo's administrator something to see, at its first start."""
    if not experiments.list(ADMINISTRATOR)["total"]:
        for experiment in invented:
            experiments.create(ADMINISTRATOR, experiment)
