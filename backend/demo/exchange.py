"""The little HTTP that a simulator speaks: one request a connection, then it is closed.

Connections are never kept alive, so that a switch that is moved holds for the very next request.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from http import HTTPStatus
from http.client import parse_headers
from urllib.parse import parse_qsl, unquote, urlsplit

from backend.demo.replies import Reply, Request

READ_TIMEOUT = 10.0
MAX_BODY = 1_048_576


def read_request(connection: socket.socket) -> Request:
    """Read one request.

    Raises:
        OSError: the client is gone or too slow.
        ValueError: this is not HTTP, or larger than a simulator wants.
    """
    connection.settimeout(READ_TIMEOUT)
    with connection.makefile("rb") as stream:
        method, target, _version = stream.readline(8192).decode("latin-1").split()
        headers = {name.lower(): value for name, value in parse_headers(stream).items()}
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= MAX_BODY:
            raise ValueError("the body is too large")
        parts = urlsplit(target)
        return Request(method, unquote(parts.path), dict(parse_qsl(parts.query)), headers, stream.read(length))


def send_reply(connection: socket.socket, reply: Reply, *, pace: float = 1.0, sleep: Callable[[float], None]) -> None:
    """Send a reply piece by piece; `pace` stretches the time between the pieces.

    Raises:
        OSError: the client is gone.
    """
    connection.sendall(_head(reply))
    for number, chunk in enumerate(reply.chunks):
        if number and reply.pace:
            sleep(reply.pace * pace)
        connection.sendall(chunk)


def _head(reply: Reply) -> bytes:
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        f"Content-Type: {reply.content_type}",
        "Connection: close",
    ]
    if reply.etag:
        lines.append(f"ETag: {reply.etag}")
    if not reply.streamed:
        lines.append(f"Content-Length: {len(reply.body) if reply.declared is None else reply.declared}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
