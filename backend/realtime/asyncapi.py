"""The AsyncAPI 3.0 document of the socket events, made from the schemas that check them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from backend.realtime.door import ClientEvent
from backend.schemas.errors import AckSchema


@dataclass(frozen=True)
class ServerEvent:
    """Something the server emits: its name, payload schema, stream and one sentence about it."""

    name: str
    schema: type[Schema]
    stream: str
    summary: str


def document(client_events: list[ClientEvent], server_events: list[ServerEvent], *, version: str) -> dict[str, Any]:
    """Return the document.

    Args:
        client_events: what clients may send.
        server_events: what the server emits.
        version: of the product.
    """
    events: list[ClientEvent | ServerEvent] = [*client_events, *server_events]
    spec = APISpec("Jupiter", version, "3.1.0", plugins=[MarshmallowPlugin()])
    spec.components.schema("Ack", schema=AckSchema)
    for schema in {event.schema: None for event in events}:
        spec.components.schema(_key(schema), schema=schema)
    schemas = spec.to_dict()["components"]["schemas"]
    messages = {event.name: _message(event) for event in events}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jupiter events",
            "version": version,
            "description": (
                "Socket.IO events on the default namespace. Sign in with the session cookie or with "
                "auth={token}. Every client event is acknowledged with Ack. Pushed events carry stream, seq and at; "
                "answers to one's own request carry request: true instead."
            ),
        },
        "channels": {
            "events": {
                "address": "/",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            **{event.name: _received(event) for event in client_events},
            **{event.name: _sent(event) for event in server_events},
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _key(schema: type[Schema]) -> str:
    return schema.__name__.removesuffix("Schema")


def _message(event: ClientEvent | ServerEvent) -> dict[str, Any]:
    payload = {"$ref": f"#/components/schemas/{_key(event.schema)}"}
    return {"name": event.name, "summary": event.summary, "payload": payload}


def _received(event: ClientEvent) -> dict[str, Any]:
    operation = _operation("receive", event.name, event.summary)
    operation["x-role"] = event.role
    operation["x-ack"] = {"$ref": "#/components/schemas/Ack"}
    operation["x-answers"] = list(event.answers)
    return operation


def _sent(event: ServerEvent) -> dict[str, Any]:
    return {**_operation("send", event.name, event.summary), "x-stream": event.stream}


def _operation(action: str, name: str, summary: str) -> dict[str, Any]:
    message: Mapping[str, str] = {"$ref": f"#/channels/events/messages/{name}"}
    return {"action": action, "summary": summary, "channel": {"$ref": "#/channels/events"}, "messages": [message]}
