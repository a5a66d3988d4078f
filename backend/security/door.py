"""The way into every HTTP route: who is it, may they, not too often, and did our own page ask.

A route without an `@access` declaration cannot be reached at all, so forgetting one fails closed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, g, request, session

from backend import logs
from backend.errors import AuthenticationError, ForbiddenError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import Deadline, enter, leave
from backend.security import acting
from backend.security.addresses import counted_as
from backend.security.limits import RateLimiter
from backend.security.principals import Principal
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens

PUBLIC = "public"
REQUEST_SECONDS = 30.0
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """What a route asks for: the least role, and whether a GET is only good with a bearer token."""

    role: str
    bearer_for_get: bool = False
    limit: str = "requests"
    seconds: float = REQUEST_SECONDS


def access(
    role: str, *, bearer_for_get: bool = False, limit: str = "requests", seconds: float = REQUEST_SECONDS
) -> Callable[[View], View]:
    """Declare who may use a route.

    Args:
        role: viewer, analyst, administrator, or public for everybody.
        bearer_for_get: refuse GET with a cookie, for a GET that changes state.
        limit: the rate limit it counts under.
        seconds: by then everything that the answer needs from elsewhere is there, or the answer does without.
    """

    def declare(view: View) -> View:
        view.__dict__["jupiter_access"] = Access(role, bearer_for_get, limit, seconds)
        return view

    return declare


def declared_access(app: Flask, endpoint: str) -> Access | None:
    """Return the declaration of an endpoint, or None where there is none."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return Access(PUBLIC, limit="static")
    view = app.view_functions.get(endpoint)
    return getattr(view, "jupiter_access", None)


class Door:
    """Checks each request before its view runs; puts the Principal on `flask.g.principal`."""

    def __init__(
        self, tokens: Tokens, sessions: Sessions, limiter: RateLimiter, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._tokens = tokens
        self._sessions = sessions
        self._limiter = limiter
        self._clock = clock

    def install(self, app: Flask) -> None:
        """Check every request to `app` from now on."""
        app.before_request(self._check)
        app.teardown_request(_end_deadline)

    def _check(self) -> None:
        request_id = uuid.uuid4().hex[:12]
        g.request_id = request_id
        logs.bind(request_id=request_id, endpoint=f"{request.method} {request.path}", user="")
        acting.as_server()
        if request.endpoint is None:
            return  # no such route: Flask answers 404 itself
        declared = declared_access(current_app, request.endpoint)
        if declared is None:
            raise ForbiddenError(f"{request.endpoint} declares no access")
        g.deadline = enter(Deadline(declared.seconds, self._clock))
        if declared.limit == "static":
            return
        if declared.role == PUBLIC:
            self._limiter.check(declared.limit, counted_as(request.remote_addr))
            return
        principal = self._authenticated()
        self.admit(declared, principal)
        self._check_origin(declared, principal)
        g.principal = principal
        acting.as_person(principal)
        logs.bind(user=principal.user_id)

    def _authenticated(self) -> Principal:
        try:
            return self.authenticate()
        except AuthenticationError:
            self._limiter.check("refused", counted_as(request.remote_addr))
            raise

    def authenticate(self) -> Principal:
        """Return who makes the present request, by bearer token or else by session cookie.

        Raises:
            AuthenticationError: nobody we know.
        """
        header = request.headers.get("Authorization", "")
        if header:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer":
                raise AuthenticationError("the Authorization header must be: Bearer <token>")
            return self.bearer(token)
        return self._sessions.read(session)

    def bearer(self, token: str) -> Principal:
        """Return whose bearer token this is.

        Raises:
            AuthenticationError: nobody we know, or it was taken back.
        """
        return self._sessions.current(self._tokens.authenticate(token.strip()))

    def admit(self, declared: Access, principal: Principal) -> None:
        """Count one request of a known person, and make sure that the role reaches.

        Raises:
            AuthenticationError: the proof has expired.
            ForbiddenError: the role is too low.
            RateLimitedError: too many requests.
        """
        self._limiter.check(declared.limit, principal.user_id)
        principal.check(declared.role, self._clock.now().timestamp())

    def _check_origin(self, declared: Access, principal: Principal) -> None:
        if not principal.by_cookie:
            return
        if request.method not in _SAFE_METHODS:
            given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token")
            self._sessions.check_csrf(session, given)
        elif declared.bearer_for_get:
            raise ForbiddenError(
                "GET changes state here and needs a bearer token",
                message="Use POST, or send a bearer token.",
            )


def _end_deadline(_error: BaseException | None) -> None:
    token = g.pop("deadline", None)
    if token is not None:
        leave(token)
