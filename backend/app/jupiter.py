"""The application with all that runs beside it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from backend import runtime
from backend.app.accounts import Accounts
from backend.app.adapters import Adapters
from backend.app.workers import Workers
from backend.dashboard.jupiter_dashboard import JupiterDashboard
from backend.monitoring.metrics import Metrics
from backend.realtime.wiring import Realtime
from backend.runtime.periodic import periodically

logger = logging.getLogger("jupiter.app")

FLUSH_SECONDS = 10.0
LOGINS_SECONDS = 1.0


@dataclass
class Jupiter:
    """The application with all that runs beside it; `app.extensions["jupiter"]`."""

    app: Flask
    socketio: SocketIO
    dashboard: JupiterDashboard
    sockets: Realtime
    metrics: Metrics
    admin_token: str
    adapters: Adapters
    accounts: Accounts
    workers: Workers | None = None
    spawn: Callable[..., Any] = runtime.spawn
    ready: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin the background work. After a fork, where there is one."""
        if self.workers is not None:
            self.workers.start(self.spawn)
        self.accounts.log.begin()  # nobody comes in with what was taken back before a restart
        self.dashboard.chat.recover(self.workers.answers_before if self.workers else None)
        self.dashboard.threats.start(self.spawn)
        self.dashboard.pulse.start(self.spawn)
        self.dashboard.triage.start(self.spawn)
        self.sockets.pushes.start(self.spawn)
        self.spawn(self.dashboard.records.replayer.run)
        self.spawn(self.adapters.llm.warm_up)
        # What could not be written while the database was away, also for people who have left.
        self.spawn(periodically, self.dashboard.chat.flush, FLUSH_SECONDS, self.stopped, logger)
        self.spawn(self.accounts.log.run, self.stopped)
        # A socket is only asked who it is when it sends something itself.
        self.spawn(periodically, self.sockets.entrance.look_after_logins, LOGINS_SECONDS, self.stopped, logger)
        if self.workers is not None:
            self.spawn(self.workers.answers.end_abandoned, self.dashboard.chat)
        self.ready.set()

    def say_goodbye(self) -> None:
        """Tell the clients that the server goes."""
        self.ready.clear()
        self.sockets.pushes.say_goodbye()

    def sockets_open(self) -> int:
        """Return how many sockets are open in this process."""
        return len(self.sockets.connections)

    def answers_under_way(self) -> int:
        """Return how many answers of the chat are being made in this process."""
        return self.dashboard.chat.answers_under_way()

    def close_sockets(self) -> None:
        """Close every socket."""
        self.sockets.entrance.close_all()

    def stop(self) -> None:
        """End the background work and close what is open."""
        self.stopped.set()
        self.dashboard.threats.stop()
        self.dashboard.pulse.stop()
        self.dashboard.triage.stop()
        self.sockets.pushes.stop()
        self.dashboard.chat.close()
        self.dashboard.records.replayer.stop()
        self.adapters.database.close()
        if self.workers is not None:
            self.workers.stop()
