"""Engine.IO, which carries Socket.IO, against clients that do not keep to it.

Whoever sends what cannot be read loses that socket, with one line in the log. Nobody has the server wait for them, and
nobody stays without signing in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from backend.errors import DashboardError, MalformedRequestError
from backend.realtime.connections import Connections
from backend.realtime.door import ErrorAnswers
from backend.resilience.clock import SYSTEM_CLOCK, Clock

STRANGER_SECONDS = 15.0  # from the first packet to being signed in; on a slow line that is two round trips
_UNREADABLE = frozenset(("post request handler error", "Unknown receive error"))

logger = logging.getLogger("jupiter.realtime")


def harden(server: Any, errors: ErrorAnswers) -> None:
    """Make the engine of a Socket.IO server close sockets that send what cannot be read, and wait for nobody.

    Args:
        server: the `socketio.Server`.
        errors: records what went wrong.
    """
    engine = server.eio
    engine.on("message", _careful(engine, engine.handlers["message"], errors))
    # Its own way waits until the client has fetched what is in the queue: a client that never does would keep the
    # request, and with it one of the connections that there are, for ever.
    engine.disconnect = lambda sid: close(engine, sid)
    engine.logger.addFilter(_in_one_line)
    for library in (engine.logger, server.logger):
        library.handlers.clear()  # of its own: each line would be written twice, once in another form


def close(engine: Any, engine_sid: str) -> None:
    """Close what carries a socket; over a websocket what was sent before goes out first."""
    known = engine.sockets.pop(engine_sid, None)
    if known is not None:
        known.close(wait=False)


def _careful(engine: Any, handle: Callable[[str, Any], None], errors: ErrorAnswers) -> Callable[[str, Any], None]:
    def take(engine_sid: str, data: Any) -> None:
        try:
            if not isinstance(data, str | bytes) or not data:
                raise MalformedRequestError("not a packet")
            handle(engine_sid, data)
        except Exception as error:  # noqa: BLE001 - the boundary: told and recorded, and the socket is closed
            known = isinstance(error, DashboardError)
            if isinstance(error, ValueError):  # the library's word for a packet that does not fit in here
                error, known = MalformedRequestError(f"an unexpected packet: {error}"), True
            errors.handle_error(error, {"endpoint": "socket", "params": {} if known else {"packet": str(data)[:50]}})
            close(engine, engine_sid)

    return take


def _in_one_line(record: logging.LogRecord) -> bool:
    """What a client sent cannot be read: not worth a stack trace, since anybody could ask for any number of them."""
    if record.msg in _UNREADABLE and record.exc_info and record.exc_info[0] is not None:
        record.msg, record.args = "A request of a socket cannot be read: %s", (record.exc_info[0].__name__,)
        record.exc_info, record.levelno, record.levelname = None, logging.INFO, "INFO"
    return True


class Strangers:
    """Closes what was opened and never signed in, and what stayed open after its sign-in had ended.

    Without this anybody could hold all the connections that there are, with nothing but pings.

    Args:
        server: the `socketio.Server`.
        connections: those who have signed in.
    """

    def __init__(self, server: Any, connections: Connections, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._server = server
        self._connections = connections
        self._clock = clock
        self._since: dict[str, float] = {}

    def look(self) -> None:
        """Close those who had their time. Run every second."""
        now, engine = self._clock.monotonic(), self._server.eio
        strangers = [engine_sid for engine_sid in list(engine.sockets) if not self._is_known(engine_sid)]
        self._since = {engine_sid: self._since.get(engine_sid, now) for engine_sid in strangers}
        for engine_sid, since in self._since.items():
            if now - since >= STRANGER_SECONDS:
                close(engine, engine_sid)

    def _is_known(self, engine_sid: str) -> bool:
        return self._server.manager.sid_from_eio_sid(engine_sid, "/") in self._connections
