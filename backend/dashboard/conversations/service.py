"""Conversations: written to the database, and gone on with in memory while that is away.

A write that fails stays in memory, marked as not saved, and is written at the next occasion: the person's next
message or look at the list, or `flush`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from backend.dashboard.conversations.memory import ConversationMemory, Kept
from backend.dashboard.conversations.rows import ConversationRows, Row
from backend.errors import ConflictError, DashboardError, NotFoundError, ValidationError

NOT_SAVED = (
    "This conversation is not being saved at the moment, because the database does not answer. "
    "It is kept in memory and saved as soon as possible."
)
MAX_SHOWN = 200
_ANSWER = "answer:"

_log = logging.getLogger("jupiter.chat")


class Page(NamedTuple):
    """Conversations, where the next page begins (None at the end), and the messages that a search found in them."""

    conversations: list[Row]
    last: tuple[str, str] | None
    saved: bool
    matches: Mapping[str, Row] = {}


class Conversations:
    """A person's conversations.

    Args:
        rows: the tables.
        memory: the copy in memory.
    """

    def __init__(self, rows: ConversationRows, memory: ConversationMemory) -> None:
        self._rows = rows
        self._memory = memory

    def find(self, user_id: str, conversation_id: str) -> Row:
        """Return a person's own conversation.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
            DatabaseError: the database is away and memory does not have it.
        """
        kept = self._memory.get(user_id, conversation_id)
        if kept is not None and not kept.saved:
            return kept.conversation
        try:
            found = self._rows.conversation(user_id, conversation_id)
        except DashboardError:
            if kept is None:
                raise
            return kept.conversation
        if found is None:
            raise NotFoundError("There is no such conversation.")
        return found

    def messages(self, conversation: Row, limit: int = MAX_SHOWN) -> list[Row]:
        """Return the newest messages, the oldest of them first; those of memory where they are newer."""
        kept = self._memory.get(conversation["user_id"], conversation["id"])
        try:
            found = self._rows.messages(conversation["id"], limit)
        except DashboardError:
            if kept is None:
                raise
            return kept.ordered()[-limit:]
        if kept is None or kept.saved:
            return found
        merged = {row["id"]: row for row in found} | {i: kept.messages[i] for i in kept.unsaved if i in kept.messages}
        return sorted(merged.values(), key=lambda row: (row["created_at"], row["id"]))[-limit:]

    def save(self, conversation: Row, messages: Sequence[Row] = (), *, changed: Sequence[str] | None = None) -> bool:
        """Write a conversation and some of its messages; False where only memory could take them.

        Args:
            changed: the columns of the conversation that are new; None for a new conversation. The others are left
                alone: another tab may be renaming it.

        Raises:
            ConflictError: a message of that client id exists.
            NotFoundError: the conversation was deleted meanwhile.
        """
        user_id, ids = conversation["user_id"], {conversation["id"], *(row["id"] for row in messages)}
        kept = self._memory.get(user_id, conversation["id"])
        if kept is not None and changed is not None:
            conversation = {**kept.conversation, **{name: conversation[name] for name in changed}}
        whole = changed is None or (kept is not None and conversation["id"] in kept.unsaved)
        try:
            if not whole and changed:
                self._rows.change(user_id, conversation["id"], {name: conversation[name] for name in changed})
            self._rows.save(conversation if whole else None, messages)
        except ConflictError:
            raise
        except ValidationError:
            raise NotFoundError("There is no such conversation.") from None
        except DashboardError as error:
            _log.warning("⚠️ The chat could not be saved and goes on in memory: %s", type(error).__name__)
            self._memory.keep(conversation, messages, unsaved=ids)
            return False
        self._memory.keep(conversation, messages)
        return self.is_saved(user_id, conversation["id"])

    def list(self, user_id: str, limit: int, before: tuple[str, str] | None, search: str | None) -> Page:
        """Return one page, the newest first; while the database is away, those in memory."""
        try:
            found = self._rows.newest(user_id, limit + 1, before, search)
        except DashboardError:
            kept = [one.conversation for one in self._memory.unsaved(user_id)]
            if not kept:
                raise
            newest = sorted(kept, key=lambda row: (row["updated_at"], row["id"]), reverse=True)
            return Page(newest, None, False)
        page = found[:limit]
        last = (page[-1]["updated_at"], page[-1]["id"]) if len(found) > limit else None
        return Page(page, last, True, self._matches(user_id, page, search))

    def _matches(self, user_id: str, page: Sequence[Row], search: str | None) -> Mapping[str, Row]:
        try:
            return self._rows.matching(user_id, [row["id"] for row in page], search) if search else {}
        except DashboardError:
            return {}  # the list is worth having without excerpts

    def delete(self, user_id: str, conversation_id: str) -> None:
        """Remove a conversation with its messages.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
        """
        in_memory = self._memory.get(user_id, conversation_id)
        if not self._rows.delete(user_id, conversation_id) and in_memory is None:
            raise NotFoundError("There is no such conversation.")
        if in_memory is not None:
            self._memory.forget(conversation_id)

    def accepted(self, user_id: str, client_message_id: str) -> dict[str, str] | None:
        """Return the ids that a message was accepted under before, None for a new one."""
        try:
            found = self._rows.by_client_id(user_id, [answer_key(client_message_id)])
        except DashboardError:
            return None
        return {"conversation_id": found[0]["conversation_id"], "message_id": found[0]["id"]} if found else None

    def question(self, conversation: Row, client_message_id: str) -> Row | None:
        """Return the question that a client sent under this id in a conversation."""
        user_id = conversation["user_id"]
        kept = self._memory.get(user_id, conversation["id"])
        known = kept.ordered() if kept is not None else []
        if not any(row["client_message_id"] == client_message_id for row in known):
            known = self._rows.by_client_id(user_id, [client_message_id])
        asked = (row for row in known if row["client_message_id"] == client_message_id and row["role"] == "user")
        return next((row for row in asked if row["conversation_id"] == conversation["id"]), None)

    def message(self, user_id: str, message_id: str) -> Row | None:
        """Return a person's own message; that of memory where the database does not have it."""
        kept = self._memory.message(user_id, message_id)
        try:
            return self._rows.message(user_id, message_id) or kept
        except DashboardError:
            if kept is None:
                raise
            return kept

    def checkpoint(self, message_id: str, content: str) -> None:
        """Write what there is of an answer; that it fails does no harm."""
        try:
            self._rows.checkpoint(message_id, content)
        except DashboardError as error:
            _log.debug("checkpoint of an answer failed: %s", type(error).__name__)

    def unfinished(self, before: str) -> Sequence[Row]:
        """Return the answers begun before a point in time that have no end in the database."""
        return self._rows.unfinished(before)

    def interrupt(self, before: str) -> int:
        """Mark the answers that an earlier process left unfinished; return how many."""
        return self._rows.interrupt(before)

    def is_saved(self, user_id: str, conversation_id: str) -> bool:
        """Whether the database has everything of a conversation."""
        kept = self._memory.get(user_id, conversation_id)
        return kept is None or kept.saved

    def flush(self, user_id: str | None = None) -> int:
        """Write what could not be written before: one person's, or everybody's. Return how many wait still."""
        waiting = self._memory.unsaved(user_id)
        for kept in waiting:
            if not self._write(kept):
                break  # the others would fail the same way
        return len(self._memory.unsaved(user_id))

    def _write(self, kept: Kept) -> bool:
        ids = set(kept.unsaved)
        conversation = kept.conversation if kept.conversation["id"] in ids else None
        try:
            self._rows.save(conversation, [row for row in kept.ordered() if row["id"] in ids])
        except (ConflictError, ValidationError) as error:
            _log.warning("⚠️ An unsaved conversation is refused by the database: %s", type(error).__name__)
        except DashboardError:
            return False
        self._memory.settle(kept, ids)
        return True


def answer_key(client_message_id: str) -> str:
    """Return the client id that an answer's row carries, so that the answer to a message can be found by its id.

    The colon keeps it apart from what clients may send.
    """
    return f"{_ANSWER}{client_message_id}"


def asked_by(answer: Row) -> str:
    """Return the client id of the message that an answer answers."""
    return str(answer["client_message_id"] or "").removeprefix(_ANSWER)


def message_view(row: Row) -> dict[str, Any]:
    """Return a message as clients see it."""
    return {
        "id": row["id"],
        "role": row["role"],
        "content": row["content"],
        "status": row["status"],
        "created_at": row["created_at"],
        "sources": row["sources"] if isinstance(row["sources"], list) else [],
    }
