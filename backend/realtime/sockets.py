"""The Socket.IO server: who may connect, and every event through its door."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from flask import Flask, request, session
from flask_socketio import ConnectionRefusedError, SocketIO

from backend.errors import AuthenticationError, DashboardError
from backend.realtime.broadcaster import ROOM_OF_ALL, user_room
from backend.realtime.connections import Connection, Connections
from backend.realtime.door import ErrorAnswers, EventDoor
from backend.realtime.engine import Strangers, harden
from backend.realtime.packets import StrictPacket
from backend.runtime import websockets
from backend.security.addresses import counted_as
from backend.security.limits import RateLimiter
from backend.security.principals import Principal
from backend.security.revocations import Revocation
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens

LARGEST_PACKET = 2_000_000  # above the largest payload that is taken, so that one too large is refused with words
PING_SECONDS, PONG_SECONDS = 8, 6  # a dead peer is noticed within 15 s

logger = logging.getLogger("jupiter.realtime")


class OrjsonForSockets:
    """orjson behind the two functions that python-socketio calls; NaN becomes null, which browsers can read."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """Return JSON text."""
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        """Read JSON text.

        Raises:
            ValueError: it is none.
        """
        return orjson.loads(text)


def make_socketio(app: Flask, async_mode: str, *, websocket_only: bool = False) -> SocketIO:
    """Make the Socket.IO server of `app`. None as origins means: the page's own origin only.

    Args:
        websocket_only: refuse polling, whose requests would have to come to the same worker each time.
    """
    websockets.mend()
    return SocketIO(
        app,
        async_mode=async_mode,
        transports=["websocket"] if websocket_only else None,
        json=OrjsonForSockets,
        serializer=StrictPacket,
        cors_allowed_origins=None,
        max_http_buffer_size=LARGEST_PACKET,
        ping_interval=PING_SECONDS,
        ping_timeout=PONG_SECONDS,
        manage_session=False,
        logger=False,
        engineio_logger=False,
    )


class SocketTransport:
    """What the broadcaster sends through."""

    def __init__(self, socketio: SocketIO) -> None:
        self._socketio = socketio

    def emit(self, event: str, payload: Any, *, to: str, skip: list[str]) -> None:
        """Send to a room, or to one socket by its id."""
        self._socketio.emit(event, payload, to=to, skip_sid=skip or None)

    def queued(self, sid: str) -> int:
        """Return how many packets wait for this socket."""
        server = self._socketio.server
        engine_sid = server.manager.eio_sid_from_sid(sid, "/")
        engine_socket = server.eio.sockets.get(engine_sid)
        return engine_socket.queue.qsize() if engine_socket is not None else 0

    def disconnect(self, sid: str) -> None:
        """Close a socket."""
        self._socketio.server.disconnect(sid)


class SocketEntrance:
    """Lets sockets in and out.

    Args:
        socketio: the server.
        door: takes their events.
        connections: the open sockets.
        limiter: has the limit `connects`.
        errors: makes error bodies.
    """

    def __init__(
        self,
        socketio: SocketIO,
        door: EventDoor,
        connections: Connections,
        *,
        tokens: Tokens,
        sessions: Sessions,
        limiter: RateLimiter,
        errors: ErrorAnswers,
    ) -> None:
        self._socketio = socketio
        self._door = door
        self._connections = connections
        self._tokens = tokens
        self._sessions = sessions
        self._limiter = limiter
        self._errors = errors
        self._strangers = Strangers(socketio.server, connections)

    def install(self) -> None:
        """Register every event, and one that answers all unknown ones."""
        harden(self._socketio.server, self._errors)
        self._socketio.on_event("connect", self._connect)
        self._socketio.on_event("disconnect", self._disconnect)
        for name in self._door.events:
            self._socketio.on_event(name, self._taker(name))
        self._socketio.on_event("*", lambda name, *args: self._door.take(str(name), _sid(), args))
        self._sessions.subscribe(self._taken_back)

    def close_all(self) -> None:
        """Close every socket; what was sent before goes out first."""
        for connection in self._connections:
            self._socketio.server.disconnect(connection.sid)

    def _taker(self, name: str) -> Callable[..., Any]:
        return lambda *args: self._door.take(name, _sid(), args)

    def _connect(self, auth: Any = None) -> None:
        try:
            self._limiter.check("connects", counted_as(request.remote_addr))
            principal = self._authenticated(auth)
            self._connections.add(_sid(), principal)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, nobody comes in by it
            body, _ = self._errors.handle_error(error, {"endpoint": "event connect"})
            raise ConnectionRefusedError("unauthorized", body) from None
        server = self._socketio.server
        server.enter_room(_sid(), ROOM_OF_ALL)
        server.enter_room(_sid(), user_room(principal.user_id))
        logger.info("📡 Socket open", extra={"user": principal.user_id})

    def _authenticated(self, auth: Any) -> Principal:
        header = request.headers.get("Authorization", "")
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is None and header.lower().startswith("bearer "):
            token = header[7:].strip()
        if token is not None:
            return self._sessions.current(self._tokens.authenticate(token if isinstance(token, str) else ""))
        return self._sessions.read(session)

    def _disconnect(self, _reason: Any = None) -> None:
        self._connections.remove(_sid())

    def _taken_back(self, revocation: Revocation) -> None:
        self._look_after([known for known in self._connections if revocation.concerns(known.principal)])

    def look_after_logins(self) -> None:
        """Close the sockets whose sign-in holds no longer, or never was, and give the others their present role.

        Run every second.
        """
        self._look_after(self._connections)
        self._strangers.look()

    def _look_after(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            try:
                connection.principal = self._sessions.current(connection.principal)
            except AuthenticationError as error:
                logger.info("📡 Closing a socket: %s", error, extra={"user": connection.principal.user_id})
                self._socketio.server.disconnect(connection.sid)
            except DashboardError:
                continue  # it cannot be told at this moment; recorded by the guard, and asked again in a second


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]  # Flask-SocketIO adds it to the request
