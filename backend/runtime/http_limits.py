"""A limit of time for the head of a request, its line and headers; and an end that does not take the answer along.

The servers themselves wait anew for every piece, so a client that sends a byte now and then would hold its connection
for hours, and a few thousand of them all there are.

A connection that is closed while the client still sends a body that nobody reads is reset, and the answer may be lost
on its way: eventlet's server does so where the connection is not kept (gevent's reads such a body to its end).
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

DRAIN_BYTES = 64_000_000  # of a body that nobody reads; more than the largest file that is taken
DRAIN_SECONDS = 5.0
TIMEOUT_ANSWER = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def eventlet_protocol(idle_seconds: float, head_seconds: float) -> type[Any]:
    """Return the protocol class for `eventlet.wsgi.server`.

    Args:
        idle_seconds: for which a connection may be open without a request; a request's line has `head_seconds` more.
        head_seconds: for all headers together.
    """
    from eventlet import Timeout, sleep, with_timeout
    from eventlet.wsgi import HttpProtocol

    class Limited(HttpProtocol):  # type: ignore[misc]  # eventlet carries no types
        unread = False

        def _read_request_line(self) -> Any:
            read = super()._read_request_line
            return with_timeout(idle_seconds + head_seconds, read, timeout_value=b"")  # as if the client had closed

        def parse_request(self) -> Any:
            understood = with_timeout(head_seconds, super().parse_request, timeout_value=None)
            if understood is None:
                self.wfile.write(TIMEOUT_ANSWER)
                self.close_connection = True
            return understood

        def handle_one_response(self) -> None:
            super().handle_one_response()
            body = self.environ["eventlet.input"]
            self.unread = body.chunk_length != 0 if body.chunked_input else body.position < (body.content_length or 0)

        def finish(self) -> None:
            if self.unread:
                with suppress(OSError):  # the client is gone, and with it whom to answer
                    self._hear_out()
            super().finish()

        def _hear_out(self) -> None:
            """Say that the answer is at its end, and take what is still sent, until the client closes."""
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            left = DRAIN_BYTES
            with Timeout(DRAIN_SECONDS, False):
                while left > 0 and (piece := self.connection.recv(65_536)):
                    left -= len(piece)
                    sleep(0)

    return Limited


def gevent_handler(idle_seconds: float, head_seconds: float) -> type[Any]:
    """Return the handler class for `gevent.pywsgi.WSGIServer`; arguments as above."""
    from gevent import with_timeout
    from gevent.pywsgi import WSGIHandler

    class Limited(WSGIHandler):  # type: ignore[misc]  # gevent carries no types for it
        def read_requestline(self) -> Any:
            return with_timeout(idle_seconds + head_seconds, super().read_requestline, timeout_value="")

        def read_request(self, raw_requestline: str) -> Any:
            read = super().read_request
            return with_timeout(head_seconds, read, raw_requestline, timeout_value=False)  # answered with 400

    return Limited
