"""Flask's signed cookies, as Jupiter wants them."""

from __future__ import annotations

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookies, Secure where the page came over TLS, and free for requests that bring none (tokens)."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the cookie holds, empty where there is none."""
        if "HTTP_COOKIE" not in request.environ:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Tell whether the cookie may only travel over TLS: it may not go back another way than it came."""
        return super().get_cookie_secure(app) or request.is_secure
