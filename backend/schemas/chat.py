"""Chat: what clients may send, and the payloads they get."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from marshmallow import Schema, fields, validate

from backend.schemas.fields import CleanText, Uuid
from backend.schemas.status import BREAKER_STATES

MAX_MESSAGE = 4000
MAX_TITLE = 120
ROLES = ("user", "assistant")
STATUSES = ("complete", "streaming", "stopped", "incomplete", "interrupted", "failed")
MODEL_NAME = re.compile(r"^[\w./:@+-]{1,200}\Z")
_KEPT = frozenset("\n\t")


def clean_text(text: str) -> str:
    """Return a person's text without control characters and lone surrogates, stripped; line ends become `\\n`."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (one for one in text if one in _KEPT or unicodedata.category(one) not in {"Cc", "Cs"})
    return "".join(kept).strip()


class Message(fields.String):
    """What a person writes, cleaned before it is measured. Markup stays: it may be what the question is about."""

    def __init__(self, *, longest: int, **options: Any) -> None:
        super().__init__(validate=validate.Length(1, longest), **options)
        self._longest = longest

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, *args, **kwargs)
        # what is far too long is refused as it is, without being walked through
        return text if text is None or len(text) > 4 * self._longest else clean_text(text)


class ModelName(fields.String):
    """The name of a model to choose: one of GET /api/chat/models."""

    def __init__(self, **options: Any) -> None:
        shape = validate.Regexp(MODEL_NAME, error="1 to 200 letters, digits or ./:@+-_")
        super().__init__(
            validate=shape, metadata={"description": "One of GET /api/chat/models; null for its default."}, **options
        )


class ChatMessageSchema(Schema):
    """Payload of chat_message."""

    message = Message(longest=MAX_MESSAGE, required=True)
    conversation_id = Uuid(load_default=None, allow_none=True)
    client_message_id = fields.String(
        required=True,
        validate=validate.Regexp(r"^[A-Za-z0-9_-]{1,64}\Z", error="1 to 64 letters, digits, _ or -."),
        metadata={"description": "The client's own id of this message; sent again, it is not executed again."},
    )
    model = ModelName(load_default=None, allow_none=True)


class ChatRetrySchema(Schema):
    """Payload of chat_retry."""

    message_id = Uuid(required=True, metadata={"description": "Of the answer whose question is to be asked again."})
    model = ModelName(load_default=None, allow_none=True)


class ChatStopSchema(Schema):
    """Payload of chat_stop."""

    message_id = Uuid(required=True)


class ChatHistorySchema(Schema):
    """Payload of chat_history."""

    conversation_id = Uuid(required=True)


class ConversationCreateSchema(Schema):
    """A new conversation."""

    title = CleanText(shortest=1, longest=MAX_TITLE, load_default="New conversation")


class ConversationRenameSchema(Schema):
    """A conversation's new title."""

    title = CleanText(shortest=1, longest=MAX_TITLE, required=True)


class ConversationListQuery(Schema):
    """Which conversations to list."""

    search = CleanText(
        shortest=1,
        longest=200,
        load_default=None,
        metadata={"description": "Words that all occur, as beginnings of words, in the title or in one message."},
    )
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 100))
    cursor = fields.String(load_default=None, validate=validate.Length(1, 200))


class ChatAcceptedSchema(Schema):
    """The ids of an accepted message's conversation and of its answer."""

    conversation_id = fields.String(required=True)
    message_id = fields.String(required=True)


class SourceSchema(Schema):
    """A record that an answer rests on."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    url = fields.String(allow_none=True)
    as_of = fields.String(allow_none=True, metadata={"description": "When the record was fetched."})


class ChatFeatureSchema(Schema):
    """State of the feature grok_chat."""

    enabled = fields.Boolean(required=True)
    circuit_breaker = fields.String(required=True, validate=validate.OneOf(BREAKER_STATES))
    failures = fields.Integer(required=True)


class ReasonSchema(Schema):
    """Why an answer comes from local data."""

    type = fields.String(required=True, metadata={"description": "An error code."})
    message = fields.String(required=True)
    suggestion = fields.String(required=True)
    retry_after = fields.Float(metadata={"description": "Seconds until the model is tried again."})


class ChatThinkingSchema(ChatAcceptedSchema):
    """Payload of chat_thinking: an answer has begun. It brings the question to the person's other tabs."""

    question = fields.String(required=True)
    question_id = fields.String(required=True)
    client_message_id = fields.String(required=True)
    timestamp = fields.String(required=True)


class ChatDeltaSchema(ChatAcceptedSchema):
    """Payload of chat_delta: the next piece of an answer."""

    index = fields.Integer(required=True, metadata={"description": "0, 1, 2, … within the answer."})
    delta = fields.String(required=True)


class ChatResponseSchema(ChatAcceptedSchema):
    """Payload of chat_response: the whole answer."""

    response = fields.String(required=True, metadata={"description": "Markdown."})
    is_error = fields.Boolean(required=True)
    degraded = fields.Boolean(required=True, metadata={"description": "From local data, without the model."})
    reason = fields.Nested(ReasonSchema, metadata={"description": "Why it is degraded."})
    sources = fields.List(fields.Nested(SourceSchema), required=True)
    unknown_ids = fields.List(fields.String(), metadata={"description": "Ids in the answer that no record has."})
    feature_status = fields.Nested(ChatFeatureSchema, required=True)
    timestamp = fields.String(required=True)
    provider = fields.String(required=True)
    model = fields.String(required=True)
    stopped = fields.Boolean(metadata={"description": "The person stopped it; the response is the part so far."})
    truncated = fields.Boolean(metadata={"description": "A limit on the length cut it off."})
    notice = fields.String(metadata={"description": "Something to know, e.g. that nothing is being saved."})


class FallbackSchema(Schema):
    """What the local data says on the question."""

    response = fields.String(required=True, metadata={"description": "Markdown."})
    sources = fields.List(fields.Nested(SourceSchema), required=True)


class ChatErrorSchema(ChatAcceptedSchema):
    """Payload of chat_error: no answer, or one that broke off."""

    error = fields.String(required=True)
    type = fields.String(required=True, metadata={"description": "An error code."})
    timestamp = fields.String(required=True)
    recoverable = fields.Boolean(required=True)
    suggestion = fields.String(required=True)
    retry_after = fields.Float()
    fallback = fields.Nested(
        FallbackSchema, metadata={"description": "Shown in place of an answer, where the model gave none."}
    )
    partial_text = fields.String(metadata={"description": "What had been said before it broke off; it is kept."})
    feature_status = fields.Nested(ChatFeatureSchema, required=True)
    notice = fields.String()


class MessageSchema(Schema):
    """A message of a conversation."""

    id = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    content = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    created_at = fields.String(required=True)
    sources = fields.List(fields.Nested(SourceSchema), required=True)
    unknown_ids = fields.List(fields.String(), metadata={"description": "Ids in the answer that no record has."})
    last_index = fields.Integer(
        metadata={"description": "While streaming: the content holds the deltas up to this index; -1 for none."}
    )


class MatchSchema(Schema):
    """The message in which a search has found a conversation."""

    message_id = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    excerpt = fields.String(required=True)


class ConversationSchema(Schema):
    """A conversation without its messages."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    created_at = fields.String(required=True)
    updated_at = fields.String(required=True)
    saved = fields.Boolean(required=True, metadata={"description": "False while the database is away."})
    match = fields.Nested(MatchSchema, metadata={"description": "In a search: the newest message with its words."})


class HistorySchema(Schema):
    """A conversation with its newest messages, the oldest of them first."""

    conversation = fields.Nested(ConversationSchema, required=True)
    messages = fields.List(fields.Nested(MessageSchema), required=True)
    complete = fields.Boolean(required=True, metadata={"description": "False where older messages are left out."})
    notice = fields.String()


class ConversationListSchema(Schema):
    """One page of conversations, the newest first."""

    conversations = fields.List(fields.Nested(ConversationSchema), required=True)
    next_cursor = fields.String(allow_none=True, required=True)
    notice = fields.String()


class ModelsSchema(Schema):
    """The language models that can be chosen."""

    provider = fields.String(required=True)
    configured = fields.Boolean(required=True, metadata={"description": "Whether there is a provider at all."})
    default = fields.String(required=True, metadata={"description": "The one that answers unless another is chosen."})
    models = fields.List(fields.String(), required=True)
    as_of = fields.String(required=True, allow_none=True)
    stale = fields.Boolean(required=True, metadata={"description": "The list could not be had again."})
    reason = fields.Nested(ReasonSchema, metadata={"description": "Why not."})
