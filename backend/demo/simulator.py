"""One simulated upstream: an HTTP server on loopback with a switch."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from typing import Any

from backend import runtime
from backend.demo.exchange import read_request, send_reply
from backend.demo.replies import Reply, Request, conditional, spoil

MODES = ("ok", "slow", "hang", "refuse", "error", "html", "truncated", "garbage")
LONGEST_HANG = 120.0
_ACCEPT_WAIT = 0.5


class Simulator:
    """An upstream that answers well until its switch says otherwise.

    Args:
        name: short name, as in `set_mode`.
        title: name for people.
        answer: makes the reply of an upstream that is well.
        host: address to listen on; the port is a free one and stays the same.
        slow_seconds: how long `slow` waits before an answer that is not a stream.
    """

    def __init__(
        self,
        name: str,
        title: str,
        answer: Callable[[Request], Reply],
        *,
        host: str = "127.0.0.1",
        slow_seconds: float = 3.0,
        spawn: Callable[..., runtime.Task] = runtime.spawn,
        sleep: Callable[[float], None] = runtime.sleep,
    ) -> None:
        self.name = name
        self.title = title
        self.mode = "ok"
        self.requests = 0
        self._answer = answer
        self._slow_seconds = slow_seconds
        self._spawn = spawn
        self._sleep = sleep
        self._changed = threading.Event()
        self._socket: socket.socket = _bound(host, 0)
        self._host, self._port = self._socket.getsockname()[:2]
        self._loop: runtime.Task | None = None
        self._open()

    @property
    def address(self) -> str:
        """The base address, without a path."""
        return f"http://{self._host}:{self._port}"

    def set_mode(self, mode: str) -> None:
        """Move the switch; answers that are waiting are dropped, as when a server is restarted.

        Raises:
            ValueError: there is no such mode.
        """
        if mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
        if mode == self.mode:
            return
        refused = self.mode == "refuse"
        self.mode = mode
        self._changed.set()
        self._changed = threading.Event()
        if refused:
            self._open()
        elif mode == "refuse":
            self._close()
            self._socket = _bound(self._host, self._port)  # bound but not listening: nobody else can take the port

    def stop(self) -> None:
        """Close the listener and let go whoever is waiting."""
        self.mode = "refuse"
        self._changed.set()
        self._close()

    def _open(self) -> None:
        self._socket.listen(128)
        self._socket.settimeout(_ACCEPT_WAIT)
        self._loop = self._spawn(self._accept, self._socket)

    def _close(self) -> None:
        with suppress(OSError):  # not listening, or a system that wakes accept only by its timeout
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._loop is not None:
            self._loop.wait(2 * _ACCEPT_WAIT)
        self._loop = None
        self._socket.close()

    def _accept(self, listener: socket.socket) -> None:
        while self.mode != "refuse":
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with (
            connection,
            suppress(OSError, ValueError, HTTPException),
        ):  # a client that leaves or sends nonsense is its own affair
            request = read_request(connection)
            self.requests += 1
            mode, changed = self.mode, self._changed
            if mode == "hang":
                changed.wait(LONGEST_HANG)
                return
            reply = conditional(self._answer(request), request)
            if mode == "slow" and not reply.streamed and changed.wait(self._slow_seconds):
                return
            send_reply(connection, spoil(reply, mode), pace=5.0 if mode == "slow" else 1.0, sleep=self._sleep)

    def describe(self) -> dict[str, Any]:
        """Return what the console shows."""
        return {
            "name": self.name,
            "title": self.title,
            "mode": self.mode,
            "modes": list(MODES),
            "requests": self.requests,
            "address": self.address,
        }


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    return made
