"""Serving WSGI in the chosen async mode."""

from __future__ import annotations

import errno
import logging
import resource
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from backend.runtime import http_limits, mode

READ_TIMEOUT = 60.0  # a client that sends nothing for so long is gone; sockets are pinged far more often
HEAD_TIMEOUT = 15.0  # for a request's line and headers, however they come

LONGEST_HESITATION = 0.01
HESITATION = 0.001
PAUSE_SECONDS = 0.2  # before the next try where a connection cannot be taken
QUIET_SECONDS = 30.0
SPARE_FILES = 256  # for what is open besides the connections of clients


def serve_wsgi(
    listener: socket.socket,
    app: Callable[..., Any],
    *,
    max_connections: int,
    log: logging.Logger,
    load: Callable[[], int] | None = None,
    read_timeout: float = READ_TIMEOUT,
    head_timeout: float = HEAD_TIMEOUT,
) -> Callable[[], None]:
    """Serve `app` on a listening socket in the background and return a function that stops accepting.

    Args:
        max_connections: connections open at once; more wait in the backlog.
        log: gets what the server itself has to say.
        load: where several processes share the listener: how much this one has to do. It hesitates the longer to take
            a connection, so that one with less takes it (eventlet only; otherwise whoever is first).
        read_timeout: seconds after which a client that sends nothing is gone (not on threads).
        head_timeout: seconds for the head of a request, in whichever pieces it comes (not on threads).
    """
    _allow_files(max_connections + SPARE_FILES)
    if mode() == "eventlet":
        return _serve_eventlet(
            _patient(listener, load, log),
            app,
            log=log,
            max_size=max_connections,
            protocol=http_limits.eventlet_protocol(read_timeout, head_timeout),
            socket_timeout=read_timeout,
        )
    if mode() == "gevent":
        handler = http_limits.gevent_handler(read_timeout, head_timeout)
        return _serve_gevent(listener, app, log, spawn=max_connections, handler_class=handler)
    return _serve_threads(listener, app)


def _serve_eventlet(listener: socket.socket, app: Callable[..., Any], **options: Any) -> Callable[[], None]:
    import eventlet
    import eventlet.wsgi

    server = eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        _keeping_sockets(app),
        debug=False,  # True would send stack traces to clients
        log_output=False,
        **options,
    )
    return server.kill  # type: ignore[no-any-return]


def _keeping_sockets(app: Callable[..., Any]) -> Callable[..., Any]:
    """Let websockets stay open when no more is accepted: what is under way is still to be said on them.

    eventlet's own take themselves for idle, and what is idle is cut off then.
    """

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ.pop("eventlet.set_idle", None)
        return app(environ, start_response)

    return call


def _patient(listener: socket.socket, load: Callable[[], int] | None, log: logging.Logger) -> Any:
    """Take connections whatever happens: eventlet's server ends for ever with the first that cannot be taken.

    Where several processes wait, the kernel wakes up all of them; without a hesitation the same one is first each time.
    """
    from eventlet import sleep
    from eventlet.greenio import GreenSocket
    from eventlet.hubs import notify_opened, trampoline

    class Patient(GreenSocket):  # type: ignore[misc]  # eventlet carries no types
        def accept(self) -> Any:
            while True:
                trampoline(self.fd, read=True)
                if load is not None:
                    sleep(min(LONGEST_HESITATION, HESITATION * load()))
                try:
                    client, address = self.fd.accept()
                except BlockingIOError:
                    continue  # another process was quicker
                except OSError as error:  # no file descriptor is left, or a client is gone again already
                    if error.errno == errno.EBADF:
                        raise
                    complain(error)
                    sleep(PAUSE_SECONDS)
                    continue
                notify_opened(client.fileno())  # the hub forgets what it knew of an older socket of that number
                return GreenSocket(client), address

    complain = _complainer(log)
    bare = getattr(listener, "fd", listener)
    bare.setblocking(False)
    return Patient(bare)


def _complainer(log: logging.Logger, now: Callable[[], float] = time.monotonic) -> Callable[[OSError], None]:
    """Return what logs that a connection could not be taken, once in a while."""
    quiet_until = 0.0

    def complain(error: OSError) -> None:
        nonlocal quiet_until
        if now() >= quiet_until:
            quiet_until = now() + QUIET_SECONDS
            log.warning("⚠️ A connection could not be taken (%s); it is tried again until there is room", error.strerror)

    return complain


def _allow_files(wanted: int) -> None:
    """Let this process have so many files open, as far as it may decide that: many systems begin with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _serve_gevent(
    listener: socket.socket, app: Callable[..., Any], log: logging.Logger, **options: Any
) -> Callable[[], None]:
    from gevent.pywsgi import WSGIServer

    server = WSGIServer(listener, app, log=None, error_log=log, **options)
    server.start()
    return server.close  # type: ignore[no-any-return]  # its `stop` would end the requests under way too


def _serve_threads(listener: socket.socket, app: Callable[..., Any]) -> Callable[[], None]:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keep-alive

        def log(self, *_: Any) -> None:
            """Requests are logged by the application."""

    host, port = listener.getsockname()[:2]
    server = make_server(host, port, app, threaded=True, request_handler=Quiet, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.shutdown
