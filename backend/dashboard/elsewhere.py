"""Answers of the chat that other workers make: asked about, stopped, and ended for them when they have died."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Protocol

from backend.dashboard.chat.answering import Answering
from backend.dashboard.chat.live_answers import LiveAnswer, LiveAnswers, Progress
from backend.dashboard.conversations.service import Conversations
from backend.errors import DashboardError, NetworkError

_log = logging.getLogger("jupiter.chat")


class Elsewhere(Protocol):
    """The other workers, as the chat sees them."""

    def stop(self, user_id: str, message_id: str) -> None:
        """Have an answer stopped by whoever makes it.

        Raises:
            NetworkError: they cannot be reached now.
        """

    def progress(self, user_id: str, message_id: str) -> Progress | None:
        """Return what an answer says so far, None where that is not known."""


class Nowhere:
    """There are no other workers."""

    def stop(self, user_id: str, message_id: str) -> None:
        """Nobody else makes answers."""

    def progress(self, user_id: str, message_id: str) -> Progress | None:
        """Nobody else makes answers."""
        return None


class Abandoned:
    """Ends the answers whose worker has died.

    Args:
        conversations: where they are kept.
        answering: tells their readers.
        live: the answers made here.
        elsewhere: knows what they said so far.
    """

    def __init__(
        self, conversations: Conversations, answering: Answering, live: LiveAnswers, elsewhere: Elsewhere
    ) -> None:
        self._conversations = conversations
        self._answering = answering
        self._live = live
        self._elsewhere = elsewhere

    def made_here(self) -> list[str]:
        """Return the ids of the answers made in this process."""
        return [answer.message_id for answer in self._live.all()]

    def end(self, alive: Collection[str], before: str) -> int:
        """End the answers begun before a time (ISO 8601) that nobody makes, with chat_error; return how many.

        Args:
            alive: ids of those that are made somewhere.
        """
        try:
            rows = self._conversations.unfinished(before)
        except DashboardError as error:
            _log.warning("⚠️ Abandoned answers could not be looked for: %s", type(error).__name__)
            return 0
        ended = 0
        for row in rows:
            if row["id"] not in alive:
                ended += self._end(row)
        return ended

    def _end(self, row: dict[str, object]) -> bool:
        user_id, message_id = str(row["user_id"]), str(row["id"])
        try:
            conversation = self._conversations.find(user_id, str(row["conversation_id"]))
        except DashboardError:
            return False
        answer = LiveAnswer(conversation, {}, row)
        progress = self._elsewhere.progress(user_id, message_id)
        answer.add(progress.text if progress else str(row["content"]))
        error = NetworkError("its worker died", retry_after=1, message="The server had a fault; the answer broke off.")
        self._answering.break_off(answer, error, "interrupted")
        return True
