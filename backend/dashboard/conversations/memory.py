"""The conversations of the last while, in memory: what the chat goes on with while the database is away.

Bounded: the conversations longest unused leave first, those that are saved before those that are not.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]

_log = logging.getLogger("jupiter.chat")


@dataclass
class Kept:
    """A conversation in memory; `unsaved` holds the ids of rows that the database does not have yet."""

    conversation: Row
    messages: OrderedDict[str, Row] = field(default_factory=OrderedDict)
    unsaved: set[str] = field(default_factory=set)

    @property
    def saved(self) -> bool:
        """Whether the database has everything."""
        return not self.unsaved

    def ordered(self) -> list[Row]:
        """Return the messages, the oldest first."""
        return sorted(self.messages.values(), key=lambda row: (row["created_at"], row["id"]))


class ConversationMemory:
    """Keeps the newest conversations and messages.

    Args:
        max_conversations: how many conversations.
        max_messages: how many messages of each.
    """

    def __init__(self, *, max_conversations: int = 200, max_messages: int = 100) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._max_conversations = max_conversations
        self._max_messages = max_messages

    def keep(self, conversation: Row, messages: Iterable[Row] = (), *, unsaved: Iterable[str] = ()) -> None:
        """Take in a conversation's row and messages, or their newer versions.

        Args:
            unsaved: the ids of those that the database does not have.
        """
        missing = set(unsaved)
        with self._lock:
            kept = self._kept.setdefault(conversation["id"], Kept(conversation))
            kept.conversation = conversation
            self._kept.move_to_end(conversation["id"])
            given = {row["id"]: row for row in messages}
            kept.messages.update(given)
            kept.unsaved = (kept.unsaved - {conversation["id"], *given}) | missing
            self._shrink(kept)

    def get(self, user_id: str, conversation_id: str) -> Kept | None:
        """Return a person's own conversation, None where it is not in memory."""
        kept = self._kept.get(conversation_id)
        return kept if kept is not None and kept.conversation["user_id"] == user_id else None

    def message(self, user_id: str, message_id: str) -> Row | None:
        """Return a person's own message, None where it is not in memory."""
        with self._lock:
            found = (kept.messages.get(message_id) for kept in self._kept.values())
            return next((row for row in found if row is not None and row["user_id"] == user_id), None)

    def unsaved(self, user_id: str | None = None) -> list[Kept]:
        """Return the conversations that are not all in the database: one person's, or everybody's."""
        with self._lock:
            kept = list(self._kept.values())
        return [one for one in kept if one.unsaved and user_id in (None, one.conversation["user_id"])]

    def settle(self, kept: Kept, ids: Iterable[str]) -> None:
        """Note that the database has these rows."""
        with self._lock:
            kept.unsaved.difference_update(ids)

    def forget(self, conversation_id: str) -> None:
        """Drop a conversation."""
        with self._lock:
            self._kept.pop(conversation_id, None)

    def _shrink(self, touched: Kept) -> None:
        while len(touched.messages) > self._max_messages:
            gone, _ = touched.messages.popitem(last=False)
            if gone in touched.unsaved:
                touched.unsaved.discard(gone)
                _log.warning("⚠️ A chat message could not be saved and had to be dropped from memory")
        while len(self._kept) > self._max_conversations:
            oldest = next((key for key, one in self._kept.items() if one.saved), next(iter(self._kept)))
            if not self._kept.pop(oldest).saved:
                _log.warning("⚠️ A conversation could not be saved and had to be dropped from memory")
