"""chat_message, chat_retry, chat_stop, chat_history."""

from __future__ import annotations

from typing import Any

from backend.dashboard.chat.service import ChatService
from backend.realtime.connections import Connection
from backend.realtime.door import ClientEvent
from backend.schemas.chat import ChatHistorySchema, ChatMessageSchema, ChatRetrySchema, ChatStopSchema


def events(chat: ChatService) -> list[ClientEvent]:
    """Return the events of the chat. Its answers go to all sockets of the person, so two tabs show the same."""

    def chat_message(connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        return dict(chat.send(connection.principal.user_id, **payload))

    def chat_retry(connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        return dict(chat.retry(connection.principal.user_id, **payload))

    def chat_stop(connection: Connection, payload: dict[str, Any]) -> None:
        chat.stop(connection.principal.user_id, payload["message_id"])

    def chat_history(connection: Connection, payload: dict[str, Any]) -> dict[str, Any]:
        return dict(chat.history(connection.principal.user_id, payload["conversation_id"]))

    return [
        ClientEvent(
            "chat_message",
            ChatMessageSchema,
            chat_message,
            "Ask the chat. The ack comes at once; the same client_message_id again is answered, not asked again.",
            role="analyst",
            answers=("chat_thinking", "chat_delta", "chat_response", "chat_error"),
            marker="",
        ),
        ClientEvent(
            "chat_retry",
            ChatRetrySchema,
            chat_retry,
            "Ask the question of an answer again; the same answer again is asked once only.",
            role="analyst",
            answers=("chat_thinking", "chat_delta", "chat_response", "chat_error"),
            marker="",
        ),
        ClientEvent(
            "chat_stop",
            ChatStopSchema,
            chat_stop,
            "Stop an answer.",
            "analyst",
            answers=("chat_response",),
            marker="💬",
        ),
        ClientEvent(
            "chat_history",
            ChatHistorySchema,
            chat_history,
            "Read a conversation; the ack has its messages.",
            marker="💬",
        ),
    ]
