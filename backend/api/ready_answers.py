"""Answers that are kept as bytes, given ahead of Flask: the same door, without preparing what only other answers need.

Only what goes well is answered here. Whoever is unknown, too fast or asks for more than the plain answer is passed on
to the route itself, which knows what to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.http import parse_etags

from backend.errors import DashboardError
from backend.security.door import Door, declared_access

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEPT_PRIVATELY = "private, no-cache"


@dataclass(frozen=True)
class Kept:
    """A route's answer as it is kept.

    Args:
        endpoint: the route's name in Flask; its `@access` declaration holds here too.
        find: user id -> JSON and its entity tag (without quotes), or None where the route has to work.
    """

    endpoint: str
    find: Callable[[str], tuple[bytes, str] | None]


class ReadyAnswers:
    """WSGI middleware that answers a GET without parameters by bearer token from what is kept.

    Args:
        app: whose routes these are; asked for everything else.
        next_app: what answers the rest.
        door: who may come in.
        kept: path -> what is kept for it.
        answered: told endpoint and status of each answer.

    Raises:
        ValueError: an endpoint declares no access.
    """

    def __init__(
        self,
        app: Flask,
        next_app: WSGIApplication,
        door: Door,
        kept: Mapping[str, Kept],
        *,
        answered: Callable[[str, int], None],
    ) -> None:
        self._next = next_app
        self._door = door
        self._answered = answered
        self._ways = {}
        for path, each in kept.items():
            declared = declared_access(app, each.endpoint)
            if declared is None:
                raise ValueError(f"{each.endpoint} declares no access")
            self._ways[path] = (each, declared)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        found = self._find(environ)
        if found is None:
            return self._next(environ, start_response)
        endpoint, body, etag = found
        headers = [("ETag", f'"{etag}"'), ("Cache-Control", KEPT_PRIVATELY)]
        if _has(environ.get("HTTP_IF_NONE_MATCH"), etag):
            status, body = HTTPStatus.NOT_MODIFIED, b""
        else:
            status = HTTPStatus.OK
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        self._answered(endpoint, status)
        start_response(f"{status:d} {status.phrase}", headers)
        return [body] if body else []

    def _find(self, environ: WSGIEnvironment) -> tuple[str, bytes, str] | None:
        way = self._ways.get(environ.get("PATH_INFO", ""))
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        plain = environ["REQUEST_METHOD"] == "GET" and not environ.get("QUERY_STRING")
        if way is None or not plain or scheme.lower() != "bearer":
            return None
        kept, declared = way
        try:
            principal = self._door.bearer(token)
            found = kept.find(principal.user_id)
            if found is None:
                return None
            self._door.admit(declared, principal)
        except DashboardError:
            return None  # the route meets the same and answers with it
        return kept.endpoint, *found


def _has(given: str | None, etag: str) -> bool:
    """Whether If-None-Match names the tag (RFC 9110, section 13.1.2); nearly always it is that one alone."""
    if not given:
        return False
    return given == f'"{etag}"' or parse_etags(given).contains_weak(etag)
