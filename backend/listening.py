"""The listening socket and the link to it: what a single server and the parent of several share."""

from __future__ import annotations

import socket

BACKLOG = 1024


class ServeError(Exception):
    """The server cannot start; the message says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; a second server on the same port is refused.

    Raises:
        ServeError: the address is in use or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ServeError(
            f"cannot listen on {host}:{port}: {error.strerror}. Is Jupiter running already? "
            "Set JUPITER_PORT to another port (0 takes a free one)."
        ) from None
    listener.listen(BACKLOG)
    return listener


def login_link(host: str, listener: socket.socket, token: str) -> str:
    """Return the address that signs the administrator in."""
    port = listener.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - shown, not bound
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{host}:{port}/login?token={token}"
