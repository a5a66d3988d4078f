"""Conversations with the chat: list, read, rename, export, delete."""

from __future__ import annotations

from typing import Any

from flask import Response, g

from backend.api.answers import answer
from backend.api.parsing import Blueprint
from backend.dashboard.chat.service import ChatService
from backend.schemas.chat import (
    ConversationCreateSchema,
    ConversationListQuery,
    ConversationListSchema,
    ConversationRenameSchema,
    ConversationSchema,
    HistorySchema,
    ModelsSchema,
)
from backend.security.door import access


def blueprint(chat: ChatService) -> Blueprint:
    """Return the routes about conversations. Everybody sees their own only."""
    routes = Blueprint("conversations", __name__, url_prefix="/api/conversations", description="Chats of one's own")

    @routes.route("", methods=["GET"])
    @routes.arguments(ConversationListQuery(), location="query")
    @routes.response(200, ConversationListSchema)
    @access("viewer")
    def list_conversations(query: dict[str, Any]) -> Response:
        """List conversations, the latest first."""
        return answer(chat.conversations(g.principal.user_id, **query))

    @routes.route("", methods=["POST"])
    @routes.arguments(ConversationCreateSchema())
    @routes.response(201, ConversationSchema)
    @access("analyst")
    def create_conversation(body: dict[str, Any]) -> Response:
        """Begin an empty conversation."""
        return answer(chat.create(g.principal.user_id, **body), 201)

    @routes.route("/<uuid:conversation_id>", methods=["GET"])
    @routes.response(200, HistorySchema)
    @access("viewer")
    def get_conversation(conversation_id: Any) -> Response:
        """Read a conversation with its messages."""
        return answer(chat.history(g.principal.user_id, str(conversation_id)))

    @routes.route("/<uuid:conversation_id>", methods=["PATCH"])
    @routes.arguments(ConversationRenameSchema())
    @routes.response(200, ConversationSchema)
    @access("analyst")
    def rename_conversation(body: dict[str, Any], conversation_id: Any) -> Response:
        """Give a conversation another title."""
        return answer(chat.rename(g.principal.user_id, str(conversation_id), **body))

    @routes.route("/<uuid:conversation_id>/export", methods=["GET"])
    @routes.response(200, content_type="text/markdown")
    @access("viewer")
    def export_conversation(conversation_id: Any) -> Response:
        """Export a conversation as Markdown."""
        text = chat.export(g.principal.user_id, str(conversation_id))
        headers = {"Content-Disposition": f'attachment; filename="conversation-{conversation_id}.md"'}
        return Response(text, 200, headers, content_type="text/markdown; charset=utf-8")

    @routes.route("/<uuid:conversation_id>", methods=["DELETE"])
    @routes.response(204)
    @access("analyst")
    def delete_conversation(conversation_id: Any) -> Response:
        """Delete a conversation and its messages."""
        chat.delete(g.principal.user_id, str(conversation_id))
        return Response(status=204)

    return routes


def models_blueprint(chat: ChatService) -> Blueprint:
    """Return the route about language models."""
    routes = Blueprint("chat_models", __name__, url_prefix="/api/chat", description="The language models of the chat")

    @routes.route("/models", methods=["GET"])
    @routes.response(200, ModelsSchema)
    @access("viewer")
    def list_models() -> Response:
        """List the language models that can be chosen for an answer, with the age of the list."""
        return answer(chat.models())

    return routes
