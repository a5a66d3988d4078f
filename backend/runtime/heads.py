"""A limit of time for the head of a request: its line and headers.

The servers themselves wait anew for every piece, so a client that sends a byte now and then would hold its connection
for hours, and a few thousand of them all there are.
"""

from __future__ import annotations

from typing import Any

TIMEOUT_ANSWER = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def eventlet_protocol(idle_seconds: float, head_seconds: float) -> type[Any]:
    """Return the protocol class for `eventlet.wsgi.server`.

    Args:
        idle_seconds: for which a connection may be open without a request; a request's line has `head_seconds` more.
        head_seconds: for all headers together.
    """
    from eventlet import with_timeout
    from eventlet.wsgi import HttpProtocol

    class Limited(HttpProtocol):  # type: ignore[misc]  # eventlet carries no types
        def _read_request_line(self) -> Any:
            read = super()._read_request_line
            return with_timeout(idle_seconds + head_seconds, read, timeout_value=b"")  # as if the client had closed

        def parse_request(self) -> Any:
            understood = with_timeout(head_seconds, super().parse_request, timeout_value=None)
            if understood is None:
                self.wfile.write(TIMEOUT_ANSWER)
                self.close_connection = True
            return understood

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
