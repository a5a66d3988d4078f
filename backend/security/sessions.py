"""The browser's session: a signed cookie with who, which role, until when, and the CSRF token.

A session is void when it has expired, when it was logged out, and when the token it was opened with was the
administrator's and has been changed since.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, MutableMapping
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from backend.errors import AuthenticationError, ForbiddenError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.security.principals import ROLES, Principal
from backend.security.tokens import ADMINISTRATOR, Tokens

_REMEMBERED_LOGOUTS = 10_000


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookies, without preparing a signature for requests that bring no cookie (bearer tokens)."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds, empty where there is none."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)


class Sessions:
    """Opens, reads and closes sessions kept in a signed mapping (Flask's `session`).

    Args:
        tokens: checks the token that opens a session.
        seconds: how long a session is good for; never longer than its token.
    """

    def __init__(self, tokens: Tokens, seconds: float, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._tokens = tokens
        self._seconds = seconds
        self._clock = clock
        self._closed: dict[str, None] = {}
        self._on_close: list[Callable[[str], None]] = []

    def open(self, kept: MutableMapping[str, Any], token: str) -> Principal:
        """Start a session for the owner of `token`, forgetting what was kept before.

        Raises:
            AuthenticationError: the token is nobody's.
        """
        principal = self._tokens.authenticate(token)
        ends = self._clock.now().timestamp() + self._seconds
        if principal.expires_at is not None:
            ends = min(ends, principal.expires_at)
        kept.clear()
        kept.update(
            user=principal.user_id,
            role=principal.role,
            ends=ends,
            id=secrets.token_hex(8),
            csrf=secrets.token_urlsafe(24),
            key=self._tokens.admin_fingerprint,
        )
        return self.read(kept)

    def read(self, kept: MutableMapping[str, Any]) -> Principal:
        """Return whose session this is.

        Raises:
            AuthenticationError: there is none, or it is void.
        """
        user, role, ends, identity = (kept.get(name) for name in ("user", "role", "ends", "id"))
        if not user or role not in ROLES or not isinstance(ends, int | float):
            raise AuthenticationError("nobody is signed in")
        if self._clock.now().timestamp() >= ends:
            raise AuthenticationError("the session has expired")
        if identity in self._closed:
            raise AuthenticationError("the session was signed out")
        if user == ADMINISTRATOR and kept.get("key") != self._tokens.admin_fingerprint:
            raise AuthenticationError("the administrator's token has changed")
        return Principal(user, role, float(ends), session_id=str(identity), by_cookie=True)

    def close(self, kept: MutableMapping[str, Any]) -> None:
        """End the session, also for copies of its cookie and for its open sockets."""
        identity = kept.get("id")
        kept.clear()
        if not identity:
            return
        self._closed[identity] = None
        if len(self._closed) > _REMEMBERED_LOGOUTS:
            self._closed.pop(next(iter(self._closed)))
        for told in self._on_close:
            told(identity)

    def is_closed(self, session_id: str) -> bool:
        """Tell whether the session was signed out."""
        return session_id in self._closed

    def on_close(self, told: Callable[[str], None]) -> None:
        """Have `told(session_id)` called at every sign-out."""
        self._on_close.append(told)

    @staticmethod
    def check_csrf(kept: MutableMapping[str, Any], given: str | None) -> None:
        """Make sure that a change asked for with a cookie comes from our own page.

        Raises:
            ForbiddenError: the token is missing or wrong.
        """
        expected = str(kept.get("csrf") or "")
        if not expected or not hmac.compare_digest(expected.encode(), (given or "").encode()):
            raise ForbiddenError(
                "CSRF token missing or wrong",
                message="This page is out of date. Reload it and try again.",
            )
