"""The chat: questions accepted at once, answers in tasks of their own, conversations kept."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from backend import runtime
from backend.dashboard.chat.answering import MAX_ANSWER, Answering, Emit, RecordError, Spawn, StreamGuard
from backend.dashboard.chat.asking import Asking
from backend.dashboard.chat.grounding import Retrieval, ThreatsFind, unknown_in
from backend.dashboard.chat.live_answers import LiveAnswer, LiveAnswers
from backend.dashboard.chat.models import ModelCatalogue, Unguarded
from backend.dashboard.chat.payloads import ChatPayloads
from backend.dashboard.chat.rows import conversation_row
from backend.dashboard.conversations.memory import ConversationMemory
from backend.dashboard.conversations.pages import as_markdown, decode_cursor, encode_cursor, match_view
from backend.dashboard.conversations.rows import ConversationRows, Row, StorageGuard
from backend.dashboard.conversations.service import MAX_SHOWN, NOT_SAVED, Conversations, message_view
from backend.dashboard.elsewhere import Abandoned, Elsewhere, Nowhere
from backend.dashboard.once import Once
from backend.errors import DashboardError, NetworkError, NotFoundError
from backend.llm.provider import LLMProvider
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.chat import ChatMessageSchema
from backend.schemas.loading import load
from backend.schemas.times import utc_iso
from backend.storage.database import Database

LONGEST_ANSWER_SECONDS = 300.0
MAX_EXPORTED = 2000

_log = logging.getLogger("jupiter.chat")


class ChatService:
    """What a person can do with the chat. Everything is the person's own: others' conversations do not exist.

    Args:
        database: where conversations are kept.
        llm: the model; `backend.llm.factory.make_provider` makes it.
        guard: every call of the model goes through it.
        threats_find: searches the threat records; `ThreatService.find` does.
        status: returns the payload of status_update.
        feature_status: returns the state of grok_chat: enabled, circuit_breaker, failures.
        emit: sends a person an event: user id, event, payload.
        pulse: returns the payload of pulse_update.
        models: the models to choose from; None asks the provider directly.
        elsewhere: the other workers, which make answers too.
        storage_guard: every query goes through it; None calls the database directly.
        record_error: counts refusals of the provider that do not speak against its health: type, message, context.
        spawn: runs a function concurrently and returns its task.
        id_factory: makes ids.
        answers_at_a_time: for one person.
        max_answer: characters after which an answer is cut off.
    """

    def __init__(
        self,
        database: Database,
        llm: LLMProvider,
        guard: StreamGuard,
        *,
        threats_find: ThreatsFind,
        status: Callable[[], Mapping[str, Any]],
        feature_status: Callable[[], Mapping[str, Any]],
        emit: Emit,
        pulse: Callable[[], Mapping[str, Any]] = dict,
        models: ModelCatalogue | None = None,
        elsewhere: Elsewhere | None = None,
        storage_guard: StorageGuard | None = None,
        record_error: RecordError | None = None,
        clock: Clock = SYSTEM_CLOCK,
        spawn: Spawn = runtime.spawn,
        id_factory: Callable[[], str] = lambda: str(uuid.uuid4()),
        answers_at_a_time: int = 3,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        self._elsewhere = elsewhere or Nowhere()
        self._clock = clock
        self._spawn = spawn
        self._new_id = id_factory
        self._once: Once[dict[str, str]] = Once()
        self._live = LiveAnswers(per_user=answers_at_a_time)
        self._conversations = Conversations(ConversationRows(database, storage_guard), ConversationMemory())
        self._models = models or ModelCatalogue(llm, Unguarded(), clock=clock)
        self._retrieval = Retrieval(threats_find, status, pulse)
        self._answering = Answering(
            llm,
            guard,
            self._retrieval,
            self._conversations,
            live=self._live,
            payloads=ChatPayloads(feature_status, llm.name, llm.model, clock),
            emit=emit,
            spawn=spawn,
            clock=clock,
            record_error=record_error,
            max_answer=max_answer,
        )
        self.abandoned = Abandoned(self._conversations, self._answering, self._live, self._elsewhere)
        self._asking = Asking(self._conversations, self._live, self._begin, new_id=id_factory, clock=clock)

    def send(
        self,
        user_id: str,
        message: str,
        conversation_id: str | None = None,
        client_message_id: str | None = None,
        model: str | None = None,
    ) -> dict[str, str]:
        """Accept a question; its answer comes in events.

        Args:
            conversation_id: where it belongs; None begins a conversation.
            client_message_id: the client's own id; the same one again gives the same ids and asks nothing.
            model: one of `models`; None for the one that is set.

        Returns:
            conversation_id, and message_id: the id of the answer.

        Raises:
            ValidationError: it is empty or too long, or there is no such model to choose.
            NotFoundError: there is no such conversation of this person's.
            RateLimitedError: too many answers are being made for this person.
        """
        given = {"message": message, "client_message_id": client_message_id or self._new_id(), "model": model}
        asked = load(ChatMessageSchema(), given)
        chosen, key = self._models.chosen(asked["model"]), (user_id, asked["client_message_id"])
        return dict(self._once.run(key, lambda: self._asking.ask(user_id, asked, conversation_id, chosen)))

    def retry(self, user_id: str, message_id: str, model: str | None = None) -> dict[str, str]:
        """Ask the question of an answer again, in place of an answer that failed, broke off or was stopped.

        However often it is called for the same answer, the question is asked once more and not more often.

        Args:
            message_id: of the answer.
            model: one of `models`; None for the one that is set.

        Returns:
            The ids of the new answer, as `send` does.

        Raises:
            NotFoundError: this person has no such answer, or its question is gone.
            ConflictError: it is still being written.
            RateLimitedError, ValidationError: as for `send`.
        """
        chosen = self._models.chosen(model)
        return dict(
            self._once.run((user_id, "retry", message_id), lambda: self._asking.again(user_id, message_id, chosen))
        )

    def models(self) -> dict[str, Any]:
        """Return the models that can be chosen; see ModelsSchema."""
        return self._models.show()

    def stop(self, user_id: str, message_id: str) -> dict[str, Any]:
        """Stop an answer; what was said so far is kept. One that has ended already stays as it is.

        Raises:
            NotFoundError: this person has no such answer.
        """
        answer = self._live.get(user_id, message_id)
        if answer is None:
            row = self._conversations.message(user_id, message_id)
            if row is None:
                raise NotFoundError("There is no such message.")
            if row["status"] == "streaming":
                self._elsewhere.stop(user_id, message_id)
            return {"message_id": message_id, "stopped": False}
        return {"message_id": message_id, "stopped": self._answering.stop(answer)}

    def stop_here(self, user_id: str, message_id: str) -> None:
        """Stop an answer if it is made in this process: another one was asked to."""
        answer = self._live.get(user_id, message_id)
        if answer is not None:
            self._answering.stop(answer)

    def history(self, user_id: str, conversation_id: str) -> dict[str, Any]:
        """Return a conversation and its messages, an answer in the making with what it says so far.

        Raises:
            NotFoundError: this person has no such conversation.
        """
        return self._history(user_id, conversation_id, MAX_SHOWN)

    def _history(self, user_id: str, conversation_id: str, most: int) -> dict[str, Any]:
        self._conversations.flush(user_id)
        conversation = self._conversations.find(user_id, conversation_id)
        rows = self._conversations.messages(conversation, most + 1)
        unknown = unknown_in(rows, self._retrieval)
        shown: dict[str, Any] = {
            "conversation": self._view(conversation),
            "messages": [
                {**self._message(row), **({"unknown_ids": unknown[row["id"]]} if row["id"] in unknown else {})}
                for row in rows[-most:]
            ],
            "complete": len(rows) <= most,
        }
        return shown if shown["conversation"]["saved"] else {**shown, "notice": NOT_SAVED}

    def conversations(
        self, user_id: str, *, search: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> dict[str, Any]:
        """Return a page of conversations, the one used last first.

        Args:
            search: words that all occur, as beginnings of words, in the title or in one message.
            limit: conversations on a page.
            cursor: next_cursor of the page before.

        Raises:
            ValidationError: the cursor is not one of ours.
        """
        self._conversations.flush(user_id)
        page = self._conversations.list(user_id, limit, decode_cursor(cursor), search)
        shown = {
            "conversations": [
                {**self._view(row), **match_view(page.matches.get(row["id"]), search)} for row in page.conversations
            ],
            "next_cursor": encode_cursor(page.last),
        }
        return shown if page.saved else {**shown, "notice": NOT_SAVED}

    def create(self, user_id: str, title: str = "New conversation") -> dict[str, Any]:
        """Begin an empty conversation."""
        conversation = conversation_row(user_id, title, self._new_id, self._clock.now())
        self._conversations.save(conversation)
        return self._view(conversation)

    def rename(self, user_id: str, conversation_id: str, title: str) -> dict[str, Any]:
        """Give a conversation another title; raises like `history`."""
        conversation = {**self._conversations.find(user_id, conversation_id), "title": title}
        self._conversations.save(conversation, changed=["title"])
        return self._view(conversation)

    def delete(self, user_id: str, conversation_id: str) -> None:
        """Remove a conversation; answers being made in it are stopped. Raises like `history`."""
        conversation = self._conversations.find(user_id, conversation_id)
        for row in self._conversations.messages(conversation):
            if row["status"] == "streaming" and self._live.get(user_id, row["id"]) is None:
                with suppress(DashboardError):  # where it cannot be reached, what it says is kept nowhere
                    self._elsewhere.stop(user_id, row["id"])
        for answer in self._live.of_conversation(conversation_id):
            self._answering.stop(answer)
        self._conversations.delete(user_id, conversation_id)

    def export(self, user_id: str, conversation_id: str) -> str:
        """Return a conversation as Markdown; raises like `history`."""
        told = self._history(user_id, conversation_id, MAX_EXPORTED)
        return as_markdown(told["conversation"], told["messages"], complete=told["complete"])

    def recover(self, before: str | None = None) -> int:
        """Mark the answers that an earlier process left unfinished as interrupted; return how many. Call at start.

        Args:
            before: of those begun before this time (ISO 8601); other workers may be at the later ones. None: of all.
        """
        try:
            left = self._conversations.interrupt(before or self._now())
        except DashboardError as error:
            _log.warning("⚠️ Unfinished answers could not be looked for: %s", type(error).__name__)
            return 0
        if left:
            _log.warning("⚠️ %d answers were interrupted by the last end of the server", left)
        return left

    def flush(self) -> int:
        """Write what could not be saved before; return how many conversations wait still. Call now and then."""
        return self._conversations.flush()

    def answers_under_way(self) -> int:
        """Return how many answers are being made in this process."""
        return len(self._live.all())

    def close(self) -> None:
        """End all answers in the making with chat_error, keep what they say so far, write what waits."""
        for answer in self._live.all():
            error = NetworkError("shutdown", retry_after=5, message="The server is restarting; the answer broke off.")
            self._answering.break_off(answer, error, "interrupted")
            answer.cancel()
        self._conversations.flush()

    def _begin(self, answer: LiveAnswer) -> None:
        answer.task = self._spawn(self._answering.run, answer)

    def _message(self, row: Row) -> dict[str, Any]:
        view = message_view(row)
        if row["status"] != "streaming":
            return view
        answer = self._live.get(row["user_id"], row["id"])
        progress = answer.progress() if answer else self._elsewhere.progress(row["user_id"], row["id"])
        if progress is not None:
            text, last_index, status = progress
            return {**view, "content": text, "status": status, "last_index": last_index}
        oldest = utc_iso(self._clock.now() - timedelta(seconds=LONGEST_ANSWER_SECONDS))
        return view if row["created_at"] > oldest else {**view, "status": "interrupted"}

    def _view(self, conversation: Row) -> dict[str, Any]:
        saved = self._conversations.is_saved(conversation["user_id"], conversation["id"])
        return {**{name: conversation[name] for name in ("id", "title", "created_at", "updated_at")}, "saved": saved}

    def _now(self) -> str:
        return utc_iso(self._clock.now())
