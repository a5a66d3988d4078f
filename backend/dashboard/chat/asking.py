"""Takes in questions: once each, stored before their answer is begun, and asked again on request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from backend.dashboard.chat.live_answers import LiveAnswer, LiveAnswers
from backend.dashboard.chat.rows import another_answer, conversation_row, question_and_answer, title_of
from backend.dashboard.conversations.rows import Row
from backend.dashboard.conversations.service import Conversations, asked_by
from backend.errors import ConflictError, DashboardError, NotFoundError
from backend.resilience.clock import Clock
from backend.resilience.redaction import redact_text
from backend.schemas.text import single_line
from backend.schemas.times import utc_iso

_AGAIN = "retry:"  # a colon, so that no client can send it
_log = logging.getLogger("jupiter.chat")


class Asking:
    """Makes rows of questions and has their answers begun.

    Args:
        conversations: where they are kept.
        live: the answers in the making.
        begin: begins to make an answer, in a task of its own.
        new_id: makes ids.
    """

    def __init__(
        self,
        conversations: Conversations,
        live: LiveAnswers,
        begin: Callable[[LiveAnswer], object],
        *,
        new_id: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._conversations = conversations
        self._live = live
        self._begin = begin
        self._new_id = new_id
        self._clock = clock

    def ask(self, user_id: str, asked: Mapping[str, Any], conversation_id: str | None, model: str) -> dict[str, str]:
        """Take in a question, as ChatMessageSchema loads it; see ChatService.send."""
        client_id = asked["client_message_id"]
        known = self._conversations.accepted(user_id, client_id)
        if known is not None:
            return known
        conversation, changed = self._conversation_for(user_id, asked["message"], conversation_id)
        rows = question_and_answer(conversation, asked["message"], client_id, self._new_id, self._clock.now())
        answer = LiveAnswer(conversation, *rows, model=model)
        superfluous = None if changed else conversation["id"]
        ids = self._take(answer, rows, client_id, changed=changed, superfluous=superfluous)
        _log.info("💬 Chat message: %s", single_line(redact_text(asked["message"], 50)))
        return ids

    def again(self, user_id: str, message_id: str, model: str) -> dict[str, str]:
        """Ask the question of an answer again; see ChatService.retry."""
        client_id = f"{_AGAIN}{message_id}"
        known = self._conversations.accepted(user_id, client_id)
        if known is not None:
            return known
        first = self._conversations.message(user_id, message_id)
        if first is None or first["role"] != "assistant":
            raise NotFoundError("There is no such answer.")
        if self._live.get(user_id, message_id) is not None:
            raise ConflictError("This answer is still being written.")
        conversation = self._conversations.find(user_id, first["conversation_id"])
        question = self._question_of(conversation, first)
        now = self._clock.now()
        after = datetime.fromisoformat(first["created_at"]) + timedelta(microseconds=1)
        row = another_answer(question, client_id, self._new_id, max(now, after))
        touched = {**conversation, "updated_at": utc_iso(now)}
        answer = LiveAnswer(touched, question, row, model=model, again=True)
        ids = self._take(answer, [row], client_id, changed=["updated_at"])
        _log.info("💬 Chat message asked again: %s", single_line(redact_text(question["content"], 50)))
        return ids

    def _take(
        self,
        answer: LiveAnswer,
        rows: Sequence[Row],
        client_id: str,
        *,
        changed: Sequence[str] | None,
        superfluous: str | None = None,
    ) -> dict[str, str]:
        self._live.add(answer)
        try:
            answer.saved = self._conversations.save(answer.conversation, rows, changed=changed)
        except ConflictError:
            self._live.remove(answer)
            return self._of_the_faster(answer.user_id, client_id, superfluous)
        except BaseException:
            self._live.remove(answer)
            raise
        self._begin(answer)
        return answer.ids

    def _question_of(self, conversation: Row, answer: Row) -> Row:
        """Return the question of an answer, which may itself be one that was asked for again."""
        key, first = asked_by(answer), answer
        while key.startswith(_AGAIN):
            found = self._conversations.message(first["user_id"], key.removeprefix(_AGAIN))
            if found is None:
                break
            key, first = asked_by(found), found
        question = self._conversations.question(conversation, key)
        if question is None:
            raise NotFoundError("The question of this answer is no longer there.")
        return question

    def _of_the_faster(self, user_id: str, client_message_id: str, superfluous: str | None) -> dict[str, str]:
        """Return the ids under which another process accepted the same message a moment ago."""
        known = self._conversations.accepted(user_id, client_message_id)
        if superfluous is not None:
            with suppress(DashboardError):
                self._conversations.delete(user_id, superfluous)
        if known is None:
            raise ConflictError("The same message has just been sent.")
        return known

    def _conversation_for(
        self, user_id: str, message: str, conversation_id: str | None
    ) -> tuple[Row, Sequence[str] | None]:
        """Return the conversation of a message, and which of its columns the message changes: None where it is new."""
        new = conversation_row(user_id, title_of(message), self._new_id, self._clock.now())
        if conversation_id is None:
            return new, None
        try:
            found = self._conversations.find(user_id, conversation_id)
        except NotFoundError:
            raise
        except DashboardError:  # whose it is cannot be told now; a new one does no harm, and the chat goes on
            return new, None
        return {**found, "updated_at": utc_iso(self._clock.now())}, ["updated_at"]
