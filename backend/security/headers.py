"""Response headers that keep a page to itself (OWASP secure headers; CSP level 3 with Trusted Types)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types lit-html dompurify",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_TRANSPORT_SECURITY = ("Strict-Transport-Security", "max-age=31536000")
_NOT_STORED = ("Cache-Control", "no-store")


class SecurityHeaders:
    """WSGI middleware that adds the headers to every answer, Socket.IO's polling included.

    What a person sees is not stored by caches on the way, unless the answer itself says how it may be.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._headers = list(HEADERS.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if not status.startswith("304"):  # those of the kept answer hold on (RFC 9111, section 4.3.4)
                headers += self._headers
            if not any(name == "Cache-Control" for name, _ in headers):
                headers.append(_NOT_STORED)
            if environ.get("wsgi.url_scheme") == "https":
                headers.append(_TRANSPORT_SECURITY)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return self._app(environ, start)
