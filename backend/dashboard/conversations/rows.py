"""Conversations and messages as rows of the database; everything that goes wrong there raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from backend.storage.conditions import MAX_IN
from backend.storage.database import Database, Filter, rows
from backend.storage.searches import words_of

Row = dict[str, Any]
SECONDS = 2.0
MAX_FOUND = 300
MAX_EXCERPTS = 100


class StorageGuard(Protocol):
    """The part of a guard that storage needs."""

    def call(self, func: Callable[..., Any], /, *args: Any, deadline: float | None = None) -> Any:
        """Call `func` guarded."""


class ConversationRows:
    """The two tables of the chat.

    Args:
        database: where they are.
        guard: every query goes through it; None calls directly.
    """

    def __init__(self, database: Database, guard: StorageGuard | None = None) -> None:
        self._database = database
        self._guard = guard

    def conversation(self, user_id: str, conversation_id: str) -> Row | None:
        """Return a person's own conversation."""
        found = self._do("conversations", "select", filters=_own(user_id, id=conversation_id), limit=1)
        return found[0] if found else None

    def messages(self, conversation_id: str, limit: int) -> list[Row]:
        """Return the newest messages of a conversation, the oldest of them first."""
        found = self._do(
            "messages",
            "select",
            filters=[{"column": "conversation_id", "value": conversation_id}],
            order=[{"column": "created_at", "descending": True}, {"column": "id", "descending": True}],
            limit=limit,
        )
        return found[::-1]

    def message(self, user_id: str, message_id: str) -> Row | None:
        """Return a person's own message."""
        found = self._do("messages", "select", filters=_own(user_id, id=message_id), limit=1)
        return found[0] if found else None

    def by_client_id(self, user_id: str, client_message_ids: Sequence[str]) -> list[Row]:
        """Return a person's messages with one of these client ids."""
        filters = [*_own(user_id), {"column": "client_message_id", "operator": "in", "value": list(client_message_ids)}]
        return self._do("messages", "select", filters=filters)

    def newest(self, user_id: str, limit: int, before: tuple[str, str] | None, search: str | None) -> list[Row]:
        """Return conversations, the newest first.

        Args:
            before: updated_at and id of the last one of the page before.
            search: words that all occur in the title or in one message.
        """
        filters: list[Filter] = [*_own(user_id)]
        if before is not None:
            at, last = before
            same = [{"column": "updated_at", "value": at}, {"column": "id", "operator": "lt", "value": last}]
            filters.append({"any_of": [[{"column": "updated_at", "operator": "lt", "value": at}], same]})
        if search:
            filters.append(self._matching(user_id, search))
        order = [{"column": "updated_at", "descending": True}, {"column": "id", "descending": True}]
        return self._do("conversations", "select", filters=filters, order=order, limit=limit)

    def matching(self, user_id: str, conversation_ids: Sequence[str], search: str) -> dict[str, Row]:
        """Return the newest message of each of these conversations that a search finds; none for some."""
        if not conversation_ids or not words_of(search):
            return {}
        among: Filter = {"column": "conversation_id", "operator": "in", "value": list(conversation_ids)}
        found = self._found(user_id, search, among, columns="conversation_id,id,role,content", limit=MAX_EXCERPTS)
        return {row["conversation_id"]: row for row in reversed(found)}

    def _matching(self, user_id: str, search: str) -> Filter:
        if not words_of(search):
            return {"column": "id", "operator": "in", "value": []}  # of signs alone nothing is found
        found = self._found(user_id, search, columns="conversation_id", limit=MAX_FOUND)
        ids = list(dict.fromkeys(row["conversation_id"] for row in found))
        in_title = [{"column": "title", "operator": "search", "value": search}]
        return {"any_of": [in_title, [{"column": "id", "operator": "in", "value": ids[:MAX_IN]}]]}

    def _found(self, user_id: str, search: str, *more: Filter, columns: str, limit: int) -> list[Row]:
        filters = [*_own(user_id), *more, {"column": "content", "operator": "search", "value": search}]
        order = [{"column": "created_at", "descending": True}]
        return self._do("messages", "select", columns=columns, filters=filters, order=order, limit=limit)

    def save(self, conversation: Row | None, messages: Sequence[Row]) -> None:
        """Write rows, or their newer versions."""
        if conversation is not None:
            self._do("conversations", "upsert", data=conversation)
        if messages:
            self._do("messages", "upsert", data=list(messages))

    def change(self, user_id: str, conversation_id: str, values: Row) -> None:
        """Change columns of a person's own conversation and leave the others as they are."""
        self._do("conversations", "update", filters=_own(user_id, id=conversation_id), data=values)

    def checkpoint(self, message_id: str, content: str) -> None:
        """Write what there is of an answer, unless it has ended meanwhile."""
        filters = [{"column": "id", "value": message_id}, {"column": "status", "value": "streaming"}]
        self._do("messages", "update", filters=filters, data={"content": content})

    def unfinished(self, before: str) -> list[Row]:
        """Return the answers begun before a point in time that are being made, or were."""
        filters = [
            {"column": "status", "value": "streaming"},
            {"column": "created_at", "operator": "lt", "value": before},
        ]
        return self._do("messages", "select", filters=filters, order=[{"column": "created_at"}], limit=1000)

    def interrupt(self, before: str) -> int:
        """Mark the answers begun before a point in time that nobody finishes any more; return how many."""
        filters = [
            {"column": "status", "value": "streaming"},
            {"column": "created_at", "operator": "lt", "value": before},
        ]
        return len(self._do("messages", "update", filters=filters, data={"status": "interrupted"}))

    def delete(self, user_id: str, conversation_id: str) -> bool:
        """Remove a conversation with its messages; False if there was none."""
        if self.conversation(user_id, conversation_id) is None:
            return False
        self._do("messages", "delete", filters=[{"column": "conversation_id", "value": conversation_id}])
        self._do("conversations", "delete", filters=_own(user_id, id=conversation_id))
        return True

    def _do(self, table: str, operation: Any, **options: Any) -> list[Row]:
        def query() -> list[Row]:
            return rows(self._database.execute_query(table, operation, **options))

        found: list[Row] = query() if self._guard is None else self._guard.call(query, deadline=SECONDS)
        return found


def _own(user_id: str, **values: str) -> list[Filter]:
    return [{"column": "user_id", "value": user_id}, *({"column": k, "value": v} for k, v in values.items())]
