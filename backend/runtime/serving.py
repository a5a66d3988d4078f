"""Serving WSGI in the chosen async mode."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from backend.runtime import mode

READ_TIMEOUT = 60.0  # a client that sends nothing for so long is gone; sockets are pinged far more often


def serve_wsgi(
    listener: socket.socket, app: Callable[..., Any], *, max_connections: int, log: logging.Logger
) -> Callable[[], None]:
    """Serve `app` on a listening socket in the background and return a function that stops accepting.

    Args:
        max_connections: connections open at once; more wait in the backlog.
        log: gets what the server itself has to say.
    """
    if mode() == "eventlet":
        return _serve_eventlet(listener, app, max_connections, log)
    if mode() == "gevent":
        return _serve_gevent(listener, app, max_connections, log)
    return _serve_threads(listener, app)


def _serve_eventlet(
    listener: socket.socket, app: Callable[..., Any], max_connections: int, log: logging.Logger
) -> Callable[[], None]:
    import eventlet
    import eventlet.wsgi

    server = eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        app,
        log=log,
        debug=False,  # True would send stack traces to clients
        log_output=False,
        max_size=max_connections,
        socket_timeout=READ_TIMEOUT,
    )
    return server.kill  # type: ignore[no-any-return]


def _serve_gevent(
    listener: socket.socket, app: Callable[..., Any], max_connections: int, log: logging.Logger
) -> Callable[[], None]:
    from gevent.pool import Pool
    from gevent.pywsgi import WSGIServer

    server = WSGIServer(listener, app, log=None, error_log=log, spawn=Pool(max_connections))
    server.start()
    return lambda: server.stop(timeout=0.1)


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
