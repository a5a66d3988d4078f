"""The rows that a question brings about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from backend.dashboard.conversations.service import answer_key
from backend.schemas.chat import MAX_TITLE
from backend.schemas.text import single_line
from backend.schemas.times import utc_iso

Row = dict[str, Any]
_LONGEST_OWN_TITLE = MAX_TITLE // 2


def title_of(message: str) -> str:
    """Return a conversation's title from its first message."""
    title = single_line(message) or "Conversation"  # of markup alone nothing is left
    return title if len(title) <= _LONGEST_OWN_TITLE else title[: _LONGEST_OWN_TITLE - 1].rstrip() + "…"


def conversation_row(user_id: str, title: str, new_id: Callable[[], str], now: datetime) -> Row:
    """Return a new conversation."""
    at = utc_iso(now)
    return {"id": new_id(), "user_id": user_id, "title": title, "created_at": at, "updated_at": at}


def question_and_answer(
    conversation: Row, text: str, client_message_id: str, new_id: Callable[[], str], now: datetime
) -> tuple[Row, Row]:
    """Return a question and its answer that has yet to be made."""
    common = {"conversation_id": conversation["id"], "user_id": conversation["user_id"], "sources": []}
    question = {
        **common,
        "id": new_id(),
        "role": "user",
        "content": text,
        "client_message_id": client_message_id,
        "status": "complete",
        "created_at": utc_iso(now),
    }
    answer = {
        **common,
        "id": new_id(),
        "role": "assistant",
        "content": "",
        "client_message_id": answer_key(client_message_id),
        "status": "streaming",
        "created_at": utc_iso(now + timedelta(microseconds=1)),  # after the question, whatever the clock's grain
    }
    return question, answer


def another_answer(question: Row, client_message_id: str, new_id: Callable[[], str], now: datetime) -> Row:
    """Return one more answer to a question, yet to be made.

    Args:
        client_message_id: the same one for every attempt to ask for it.
    """
    return {
        "id": new_id(),
        "conversation_id": question["conversation_id"],
        "user_id": question["user_id"],
        "role": "assistant",
        "content": "",
        "client_message_id": answer_key(client_message_id),
        "status": "streaming",
        "created_at": utc_iso(now),
        "sources": [],
    }
