"""Where the body of a request ends: said once, and said clearly, or the request is refused (RFC 9112, section 6.3).

eventlet takes the first of several lengths and reads `+2` as 2. A proxy in front that reads them otherwise would take
what follows for the next request, or the other way round. It also leaves untold that a body in chunks has an end of its
own, and without that Flask takes it for empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson

from backend.errors import MalformedRequestError
from backend.resilience.responses import build_error_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Framing:
    """WSGI middleware that refuses requests whose length can be read in two ways, and has bodies in chunks read."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if "CONTENT_LENGTH" in environ and not _is_plain(environ):
            return _refuse(start_response)
        if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked" and "eventlet.input" in environ:
            environ["wsgi.input_terminated"] = True
        return self._app(environ, start_response)


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Whether there is one length, of digits alone."""
    given: str = environ["CONTENT_LENGTH"]
    if given and not (given.isascii() and given.isdigit()):
        return False
    lengths = [name for name, _ in environ.get("headers_raw", ()) if name.lower() == "content-length"]
    return len(lengths) <= 1


def _refuse(start_response: StartResponse) -> Iterable[bytes]:
    error = MalformedRequestError("the request says its length twice, or not in digits")
    body = orjson.dumps(build_error_response(error))
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close")]
    start_response("400 Bad Request", headers)
    return [body]
