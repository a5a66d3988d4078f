"""Serving: the listening socket, the ready line, signals, and the way out.

On SIGTERM, SIGINT or SIGHUP the server stops accepting, tells its clients, gives what is under way a bounded time to
finish, and closes what it has open.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from backend import logs, runtime
from backend.app import Jupiter, create_app
from backend.config import Settings
from backend.listening import ServeError, listen, login_link
from backend.runtime.serving import serve_wsgi
from backend.worker_seat import Seat, seat

__all__ = ["ServeError", "listen", "login_link", "serve"]

DRAIN_SECONDS = 5.0
FAREWELL_SECONDS = 0.2  # what was said last reaches the clients before their sockets close
LAG_INTERVAL = 0.25

logger = logging.getLogger("jupiter.server")


class InFlight:
    """WSGI middleware that counts requests under way and gives way to the others once per request.

    Without giving way, a busy keep-alive connection starves all others on a cooperative server. A request is under way
    until the last piece of its answer has been sent.
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
            answer = self._app(environ, start_response)
        except BaseException:
            self._ended()
            raise
        if type(answer) is list:  # it is there as a whole
            self._ended()
            return answer
        return _Answer(answer, self._ended)

    def _ended(self) -> None:
        self.count -= 1


class _Answer:
    """An answer that tells when the server is done with it, which closes it (PEP 3333)."""

    def __init__(self, pieces: Iterable[bytes], ended: Callable[[], None]) -> None:
        self._pieces = pieces
        self._ended = ended

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        try:
            getattr(self._pieces, "close", _nothing)()
        finally:
            self._ended()
            self._ended = _nothing


def _nothing() -> None:
    """Nothing is left to be done."""


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
    own_seat = seat()
    listener = own_seat.listener if own_seat else listen(settings.host, settings.port)
    app = create_app(settings, **(replacements or {}))
    jupiter: Jupiter = app.extensions["jupiter"]
    in_flight = InFlight(app)
    stopping = _signals(twice_at_once=own_seat is None)
    if own_seat:  # what the others know comes first: no request is answered without it
        jupiter.start()
    stop_accepting = serve_wsgi(
        listener,
        in_flight,
        max_connections=settings.max_connections,
        log=logging.getLogger("jupiter.wsgi"),
        load=(lambda: jupiter.sockets_open() + in_flight.count) if own_seat else None,
    )
    link = login_link(settings.host, listener, jupiter.admin_token)
    if own_seat:
        _take_seat(own_seat, link)
    else:
        jupiter.start()
        tell(f"🪐 Jupiter is ready: {link}")
    gc.freeze()  # what was loaded lives as long as we do: looking through it again and again holds up the others
    _watch_loop(jupiter, stopping)
    _drain(jupiter, in_flight, stop_accepting)


def _take_seat(own: Seat, link: str) -> None:
    """Tell the parent that we serve, and end with it, however it ends."""
    runtime.spawn(own.watch, lambda: os.kill(os.getpid(), signal.SIGTERM))
    own.say_ready(link)


def _signals(*, twice_at_once: bool) -> list[int]:
    """Collect the signals that end the server.

    Args:
        twice_at_once: the second one of a kind ends the process at once. Not so for a worker: a service manager may
            send it to all processes, and the parent does too, which also ends a worker that takes too long.
    """
    received: list[int] = []

    def note(number: int, _frame: Any) -> None:
        received.append(number)
        if twice_at_once:
            signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, note)  # the terminal was closed
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
    while (in_flight.count or jupiter.answers_under_way()) and time.monotonic() < ends:
        runtime.sleep(0.05)
    jupiter.close_sockets()
    jupiter.stop()
    logger.info("✅ Stopped")
