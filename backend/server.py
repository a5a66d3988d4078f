"""Serving: the listening socket, the ready line, signals, and the way out.

On SIGTERM or SIGINT the server stops accepting, tells its clients, gives what is under way a bounded time to
finish, and closes what it has open.
"""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

from backend import logs, runtime
from backend.app import Jupiter, create_app
from backend.config import Settings
from backend.runtime.serving import serve_wsgi

BACKLOG = 1024
DRAIN_SECONDS = 5.0
FAREWELL_SECONDS = 0.2  # what was said last reaches the clients before their sockets close
LAG_INTERVAL = 0.25

logger = logging.getLogger("jupiter.server")


class ServeError(Exception):
    """The server cannot start; the message says why and what to do."""


class InFlight:
    """WSGI middleware that counts requests under way and gives way to the others once per request.

    Without giving way, a busy keep-alive connection starves all others on a cooperative server.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.count = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            return self._app(environ, start_response)  # lives as long as its client
        self.count += 1
        try:
            runtime.sleep(0)
            return self._app(environ, start_response)
        finally:
            self.count -= 1


def serve(settings: Settings, *, tell: Callable[[str], None], replacements: dict[str, Any] | None = None) -> None:
    """Serve until a signal comes.

    Args:
        settings: what to serve and where.
        tell: shows a line to the person who started the server.
        replacements: parts in place of those that `create_app` builds, by their names.

    Raises:
        ServeError: the address cannot be used.
    """
    logs.configure(settings.log_level, settings.log_format)
    listener = listen(settings.host, settings.port)
    app = create_app(settings, **(replacements or {}))
    jupiter: Jupiter = app.extensions["jupiter"]
    in_flight = InFlight(app)
    stop_accepting = serve_wsgi(
        listener, in_flight, max_connections=settings.max_connections, log=logging.getLogger("jupiter.wsgi")
    )
    stopping = _signals()
    jupiter.start()
    tell(f"🪐 Jupiter is ready: {login_link(settings, listener, jupiter)}")
    _watch_loop(jupiter, stopping)
    _drain(jupiter, in_flight, stop_accepting)


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; a second server on the same port is refused.

    Raises:
        ServeError: the address is in use or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServeError(
            f"cannot listen on {host}:{port}: {error.strerror}. Is Jupiter running already? "
            "Set JUPITER_PORT to another port (0 takes a free one)."
        ) from None
    listener.listen(BACKLOG)
    return listener


def login_link(settings: Settings, listener: socket.socket, jupiter: Jupiter) -> str:
    """Return the address that signs the administrator in."""
    port = listener.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - shown, not bound
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}:{port}/login?token={jupiter.admin_token}"


def _signals() -> list[int]:
    """Collect the signals that end the server."""
    received: list[int] = []

    def note(number: int, _frame: Any) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)  # the second one ends the process at once

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    return received


def _watch_loop(jupiter: Jupiter, stopping: list[int]) -> None:
    """Wait for a signal, and note how late the event loop is meanwhile."""
    while not stopping:
        before = time.monotonic()
        runtime.sleep(LAG_INTERVAL)
        jupiter.metrics.lagged(max(0.0, time.monotonic() - before - LAG_INTERVAL))


def _drain(jupiter: Jupiter, in_flight: InFlight, stop_accepting: Callable[[], None]) -> None:
    logger.info("📡 Stopping: no new connections, clients are told")
    jupiter.say_goodbye()
    runtime.sleep(FAREWELL_SECONDS)
    stop_accepting()
    ends = time.monotonic() + DRAIN_SECONDS
    while in_flight.count and time.monotonic() < ends:
        runtime.sleep(0.05)
    jupiter.close_sockets()
    jupiter.stop()
    logger.info("✅ Stopped")
