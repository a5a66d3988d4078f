"""Who the client is when Jupiter stands behind proxies that end its TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def behind_proxies(app: WSGIApplication, count: int) -> WSGIApplication:
    """Return `app` so that it sees client, scheme and host as the proxies in front of it saw them.

    Off with 0: anybody could send these headers and with them come from any address.

    Args:
        app: takes the requests.
        count: how many proxies stand in front; each adds its own to X-Forwarded-For, -Proto and -Host.
    """
    if count == 0:
        return app
    return ProxyFix(app, x_for=count, x_proto=count, x_host=count)
