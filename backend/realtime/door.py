"""The way into every socket event: signed in still, not too often, valid; then the handler; then the ack.

The ack is `{ok: true, data?}` or `{ok: false, error: <the standard error body>}`. A socket outlives the login it
was opened with, so expiry, sign-out and role are looked at with every event.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from marshmallow import Schema
from marshmallow import ValidationError as SchemaError

from backend import logs
from backend.errors import DashboardError, NotFoundError, PayloadTooLargeError, ValidationError
from backend.realtime.connections import Connection, Connections
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import deadline
from backend.schemas.loading import clean_details
from backend.security import acting
from backend.security.limits import RateLimiter
from backend.security.principals import Principal

LONGEST_NAME = 60
HANDLER_SECONDS = 10.0  # for the acknowledgement; what takes longer is answered by an event

logger = logging.getLogger("jupiter.realtime")

Handler = Callable[[Connection, dict[str, Any]], Any]


@dataclass(frozen=True)
class ClientEvent:
    """Something a client may send.

    Args:
        name: the event's name.
        schema: what its payload must look like.
        handler: does it; what it returns becomes `data` of the ack.
        role: the least role.
        summary: one sentence for the documentation.
        answers: names of the events the server emits in answer.
        marker: begins its line in the log; empty where its use case logs it.
    """

    name: str
    schema: type[Schema]
    handler: Handler
    summary: str
    role: str = "viewer"
    answers: tuple[str, ...] = ()
    marker: str = "📡"


class ErrorAnswers(Protocol):
    """Turns an error into the standard body and records it."""

    def handle_error(self, error: BaseException, context: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Return body and HTTP status."""


class EventDoor:
    """Takes events in.

    Args:
        events: all events that clients may send.
        connections: the open sockets.
        limiter: has the limit `events`.
        errors: makes error bodies.
        current: returns a person who came in before as they are now, or raises AuthenticationError.
        most_bytes: the largest payload taken, as JSON.
    """

    def __init__(
        self,
        events: list[ClientEvent],
        connections: Connections,
        limiter: RateLimiter,
        errors: ErrorAnswers,
        *,
        current: Callable[[Principal], Principal],
        most_bytes: int = 262_144,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.events = {event.name: event for event in events}
        self._connections = connections
        self._limiter = limiter
        self._errors = errors
        self._current = current
        self._most_bytes = most_bytes
        self._clock = clock

    def take(self, name: str, sid: str, args: tuple[Any, ...]) -> dict[str, Any]:
        """Handle one event and return its ack. Raises nothing."""
        request_id = uuid.uuid4().hex[:12]
        logs.bind(request_id=request_id, endpoint=f"event {name[:LONGEST_NAME]}", user="")
        user = ""
        acting.as_server()
        try:
            connection = self._connections.get(sid)
            user = connection.principal.user_id
            logs.bind(user=user)
            return {"ok": True, "data": self._handle(name, connection, args)}
        except Exception as error:  # noqa: BLE001 - the boundary: every error becomes an ack
            context = {"endpoint": f"event {name[:LONGEST_NAME]}", "user_id": user, "params": _preview(args)}
            body, _ = self._errors.handle_error(error, context)
            if "details" in body:
                body["details"] = clean_details(body["details"])
            return {"ok": False, "error": body}

    def _handle(self, name: str, connection: Connection, args: tuple[Any, ...]) -> Any:
        self._limiter.check("events", connection.principal.user_id)
        connection.principal = self._current(connection.principal)
        acting.as_person(connection.principal)
        event = self.events.get(name)
        if event is None:
            raise NotFoundError(f"there is no event {name[:LONGEST_NAME]!r}")
        connection.principal.check(event.role, self._clock.now().timestamp())
        payload = self._loaded(event, args)
        if event.marker:
            logger.info("%s %s", event.marker, event.name, extra={"params": _preview(args)})
        connection.begin()
        try:
            with deadline(HANDLER_SECONDS, self._clock):
                return event.handler(connection, payload)
        finally:
            connection.end()

    def _loaded(self, event: ClientEvent, args: tuple[Any, ...]) -> dict[str, Any]:
        if len(args) > 1:
            raise ValidationError("one payload is expected", details={"_schema": ["One payload is expected."]})
        given = {} if not args or args[0] is None else args[0]
        try:
            size = len(orjson.dumps(given))
        except (TypeError, ValueError) as error:  # bytes, surrogates, integers beyond 64 bits
            raise ValidationError(f"not JSON: {error}", details={"_schema": ["The payload must be JSON."]}) from None
        if size > self._most_bytes:
            raise PayloadTooLargeError(f"{size} bytes; at most {self._most_bytes} are taken")
        try:
            return dict(event.schema().load(given))
        except SchemaError as error:
            raise ValidationError("the payload is not valid", details=error.messages) from None


def _preview(args: tuple[Any, ...]) -> Any:
    """What the log may say of a payload: its fields, each cut short."""
    given = args[0] if args else None
    if isinstance(given, Mapping):
        return {str(name)[:40]: str(value)[:50] for name, value in list(given.items())[:10]}
    return type(given).__name__


def public_error(error: DashboardError, timestamp: str) -> dict[str, Any]:
    """Return the payload of `threats_error`, `pulse_error` and `summary_error`."""
    payload: dict[str, Any] = {
        "error": error.message,
        "type": error.code,
        "timestamp": timestamp,
        "recoverable": error.retryable or error.retry_after is not None,
        "suggestion": error.suggestion,
    }
    if error.retry_after is not None:
        payload["retry_after"] = error.retry_after
    return payload
