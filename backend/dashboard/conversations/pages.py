"""Cursors for the list of conversations, and conversations as Markdown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from backend.dashboard.markdown import escape, link
from backend.errors import ValidationError
from backend.schemas.text import single_line
from backend.schemas.times import utc_iso
from backend.storage.searches import words_of

EXCERPT = 160
LONGEST_TITLE = 300
_WHO = {"user": "You", "assistant": "Jupiter"}
_ENDS = {
    "streaming": "still being written",
    "stopped": "stopped",
    "incomplete": "broke off: incomplete",
    "failed": "from local data: the model gave no answer",
    "interrupted": "interrupted by a restart: incomplete",
}


def encode_cursor(last: tuple[str, str] | None) -> str | None:
    """Return where a page ended as text for the client, None at the end of the list."""
    return None if last is None else base64.urlsafe_b64encode(orjson.dumps(last)).decode()


def decode_cursor(cursor: str | None) -> tuple[str, str] | None:
    """Return where the page before ended.

    Raises:
        ValidationError: it is no cursor of ours.
    """
    if cursor is None:
        return None
    try:
        at, last = orjson.loads(base64.urlsafe_b64decode(cursor))
        return utc_iso(at), str(last)
    except (binascii.Error, ValueError, TypeError):
        raise ValidationError("the cursor is not one of ours", details={"cursor": ["Not a cursor."]}) from None


def excerpt(text: str, search: str) -> str:
    """Return the part of a text around the first word of a search, on one line."""
    line = single_line(text)
    at = min((found for word in words_of(search) if (found := line.casefold().find(word)) >= 0), default=0)
    start = max(0, at - EXCERPT // 3)
    shown = line[start : start + EXCERPT]
    return ("…" if start else "") + shown.strip() + ("…" if start + EXCERPT < len(line) else "")


def match_view(message: Mapping[str, Any] | None, search: str | None) -> dict[str, Any]:
    """Return where a search has found a conversation, empty where it was its title."""
    if message is None or not search:
        return {}
    found = {"message_id": message["id"], "role": message["role"], "excerpt": excerpt(message["content"], search)}
    return {"match": found}


def as_markdown(
    conversation: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], *, complete: bool = True
) -> str:
    """Return a conversation as a Markdown document.

    Args:
        complete: whether these are all of its messages.
    """
    parts = [f"# {escape(conversation['title'], LONGEST_TITLE)}", f"From {conversation['created_at']} (UTC)"]
    parts += [] if complete else [f"Older messages are left out; these are the newest {len(messages)}."]
    for message in messages:
        end = _ENDS.get(message["status"])
        parts.append(f"## {_WHO[message['role']]}, {message['created_at']}" + (f" ({end})" if end else ""))
        parts.append(message["content"] or "(nothing)")
        if message["sources"]:
            parts.append("Sources:\n" + "\n".join(_source(source) for source in message["sources"]))
    return "\n\n".join(parts) + "\n"


def _source(source: Mapping[str, Any]) -> str:
    parts = [f"- {escape(source['id'], 60)}: {escape(source['title'], LONGEST_TITLE)}", link(source.get("url"))]
    parts += [f"(as of {escape(source['as_of'], 40)})"] if source.get("as_of") else []
    return " ".join(part for part in parts if part)
