"""Pushes events to those they are for, numbered, and never lets a slow client's queue grow.

A gauge (threats, pulse, status, summary) only ever matters in its newest form: while a client's queue is not
drained, its newest gauge is held back here and sent when the queue is empty. A client that stays behind for
`STUCK_SECONDS` is disconnected; it comes back and asks `sync` for what it missed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from backend.realtime.connections import Connection, Connections
from backend.realtime.replay import EventsLog, Pushed
from backend.resilience.clock import SYSTEM_CLOCK, Clock

GAUGES = frozenset(("threats", "pulse", "status", "summary"))
ROOM_OF_ALL = "all"
LONGEST_QUEUE = 16
STUCK_SECONDS = 30.0

logger = logging.getLogger("jupiter.realtime")


class Transport(Protocol):
    """What a broadcaster needs of the socket server."""

    def emit(self, event: str, payload: Any, *, to: str, skip: list[str]) -> None:
        """Send to a room, or to one socket by its id."""

    def queued(self, sid: str) -> int:
        """Return how many packets wait for this socket."""

    def disconnect(self, sid: str) -> None:
        """Close a socket."""


def user_room(user_id: str) -> str:
    """Return the room that all sockets of one person are in."""
    return f"user:{user_id}"


class Broadcaster:
    """Publishes events on streams.

    Args:
        transport: the socket server.
        log: numbers and keeps what is published.
        connections: the open sockets.
    """

    def __init__(
        self, transport: Transport, log: EventsLog, connections: Connections, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._transport = transport
        self._log = log
        self._connections = connections
        self._clock = clock

    def use(self, log: EventsLog) -> None:
        """Number and keep what is published in this log, which may deliver through here."""
        self._log = log

    def publish(
        self,
        stream: str,
        event: str,
        payload: Mapping[str, Any],
        *,
        user: str = "",
        digest: str = "",
        within: float = 0,
    ) -> None:
        """Push an event to everybody, or to all sockets of one person, whichever worker they hang on.

        Args:
            stream: the stream it is numbered in.
            user: the person it is for; empty for everybody.
            digest, within: what several workers may have to tell; see `EventsLog.add`.
        """
        pushed = self._log.add(stream, event, payload, user=user, digest=digest, within=within)
        if pushed is not None:
            self.deliver(stream, pushed, user=user)

    def deliver(self, stream: str, pushed: Pushed, *, user: str) -> None:
        """Send a numbered event to the sockets of this process."""
        skip = []
        if stream in GAUGES:
            for connection in self._audience(user):
                connection.held.pop(stream, None)  # it is older
                if self._is_behind(connection):
                    connection.held[stream] = (pushed.event, pushed.payload)
                    skip.append(connection.sid)
        self._transport.emit(pushed.event, pushed.payload, to=_room(user), skip=skip)

    def tell_here(self, event: str, payload: Mapping[str, Any]) -> None:
        """Send what only concerns the sockets of this process; it has no number."""
        self._transport.emit(event, payload, to=ROOM_OF_ALL, skip=[])

    def has(self, user: str) -> bool:
        """Tell whether anybody is connected here, or anybody of one person."""
        return any(not user or c.principal.user_id == user for c in self._connections)

    def send_away(self, user: str) -> None:
        """Close the sockets of one person, or all: they come back and ask for what they have missed."""
        for connection in self._audience(user):
            self._transport.disconnect(connection.sid)

    def answer(self, sid: str, event: str, payload: Mapping[str, Any]) -> None:
        """Send one socket what it asked for; such an answer has no number."""
        self._transport.emit(event, {**payload, "request": True}, to=sid, skip=[])

    def look_after_slow_clients(self) -> None:
        """Send what was held back to those who have caught up; disconnect those who do not. Run every 0.25 s."""
        now = self._clock.monotonic()
        for connection in self._connections:
            if self._transport.queued(connection.sid) == 0:
                connection.behind_since = None
                self._release(connection)
            elif self._is_behind(connection):
                if connection.behind_since is None:
                    connection.behind_since = now
                if now - connection.behind_since >= STUCK_SECONDS:
                    logger.info("📡 Disconnecting a socket that does not take what it is sent")
                    self._transport.disconnect(connection.sid)

    def _release(self, connection: Connection) -> None:
        held, connection.held = connection.held, {}
        for event, payload in held.values():
            self._transport.emit(event, payload, to=connection.sid, skip=[])

    def _audience(self, user: str) -> list[Connection]:
        return [c for c in self._connections if not user or c.principal.user_id == user]

    def _is_behind(self, connection: Connection) -> bool:
        return self._transport.queued(connection.sid) >= LONGEST_QUEUE


def _room(user: str) -> str:
    return user_room(user) if user else ROOM_OF_ALL
