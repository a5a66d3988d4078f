"""Makes one answer: asks the model, hands on its pieces, and falls back to the local data where there is no model.

What happens when: where there is no model to ask (none is set, its breaker is open, it is switched off or busy) the
answer is a degraded chat_response from local data. Where it was asked and failed, it is chat_error: before the first
piece with what the local data says as its fallback, after that with what was said so far, as an incomplete message.
Whoever ends an answer claims it first, so that it ends once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from backend.dashboard.chat.grounding import Grounding, Retrieval, cited
from backend.dashboard.chat.live_answers import LiveAnswer, LiveAnswers
from backend.dashboard.chat.local_answer import is_local, local_answer
from backend.dashboard.chat.payloads import ChatPayloads, reason
from backend.dashboard.conversations.service import Conversations
from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DashboardError,
    FeatureDisabledError,
    NetworkError,
    NotConfiguredError,
)
from backend.llm.prompts import MAX_HISTORY, build_messages, make_marker
from backend.llm.provider import ChatMessage, LLMProvider, NullProvider
from backend.resilience.clock import Clock

MAX_ANSWER = 24_000
CHECKPOINT_SECONDS = 2.0
LOCAL = "(Answered from local data, without the model.)"  # what it quoted must not come back as the model's own words
NOT_ASKED = (NotConfiguredError, CircuitBreakerOpenError, FeatureDisabledError, BulkheadFullError)

Emit = Callable[[str, str, Mapping[str, Any]], object]
Spawn = Callable[..., Any]
RecordError = Callable[[str, str, Mapping[str, Any]], object]

_log = logging.getLogger("jupiter.chat")


class StreamGuard(Protocol):
    """The part of a guard that the chat needs."""

    def stream(self, make_iterator: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """Yield what `make_iterator()` yields, guarded."""


class Answering:
    """Makes answers; one `run` for each, in a task of its own.

    Args:
        llm: the model.
        guard: every call of the model goes through it.
        retrieval: finds what the local data holds.
        conversations: where questions and answers are kept.
        live: the answers in the making.
        payloads: builds the events' payloads.
        emit: sends a person an event: user id, event, payload.
        spawn: runs a function concurrently.
        record_error: counts refusals that do not speak against the provider's health.
        max_answer: characters after which an answer is cut off.
    """

    def __init__(
        self,
        llm: LLMProvider,
        guard: StreamGuard,
        retrieval: Retrieval,
        conversations: Conversations,
        *,
        live: LiveAnswers,
        payloads: ChatPayloads,
        emit: Emit,
        spawn: Spawn,
        clock: Clock,
        record_error: RecordError | None = None,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        self._llm = llm
        self._guard = guard
        self._retrieval = retrieval
        self._conversations = conversations
        self._live = live
        self._payloads = payloads
        self._emit = emit
        self._spawn = spawn
        self._clock = clock
        self._record_error = record_error
        self._max_answer = max_answer

    def run(self, answer: LiveAnswer) -> None:
        """Make an answer to its end; one that was ended before it began is left alone."""
        if not answer.open:
            return
        try:
            self.tell(answer, "chat_thinking", self._payloads.thinking(answer))
            grounding = self._retrieval.gather(answer.question["content"])
            try:
                self._from_model(answer, grounding)
            except DashboardError as error:
                self._after_failure(answer, grounding, error)
        except Exception as bug:  # noqa: BLE001 - whoever asked gets an answer, whatever breaks in here
            _log.exception("❌ The answer to a chat message failed: %s", type(bug).__name__)
            self.break_off(answer, DashboardError(type(bug).__name__), "incomplete")

    def _from_model(self, answer: LiveAnswer, grounding: Grounding) -> None:
        if isinstance(self._llm, NullProvider) or not self._llm.configured:
            raise NotConfiguredError(getattr(self._llm, "missing", ""))
        messages = build_messages(
            answer.question["content"],
            history=self._history(answer),
            records=grounding.records,
            facts=grounding.facts(),
            today=self._clock.now().date().isoformat(),
            marker=make_marker(),
        )
        self._llm.warm_up()  # once, and not in the provider's time
        ends: list[str] = []
        with ExitStack() as leaving:
            chosen = {"model": answer.model} if answer.model else {}
            pieces = self._guard.stream(lambda: self._llm.stream(messages, on_finish=ends.append, **chosen))
            leaving.callback(getattr(pieces, "close", lambda: None))
            cut = self._hand_on(answer, pieces)
        if not answer.claim("complete"):
            return
        text = answer.progress().text
        sources, unknown = cited(text, grounding, self._retrieval)
        self._finish(answer, text, sources)
        truncated = cut or ends[:1] == ["length"]
        payload = self._payloads.response(answer, text, sources, unknown_ids=unknown, truncated=truncated)
        self.tell(answer, "chat_response", payload)
        _log.info("✅ Chat response sent (%d chars)", len(text))

    def _hand_on(self, answer: LiveAnswer, pieces: Iterator[str]) -> bool:
        """Pass the pieces on as they come; return whether the answer had to be cut off."""
        length, written = 0, self._clock.monotonic()
        for piece in pieces:
            piece = piece[: self._max_answer - length]  # noqa: PLW2901 - the part that still fits
            if not answer.open:
                return False
            self._clock.sleep(0)  # a server that sends without a pause must not keep the others from running
            if piece:
                self._pass(answer, piece)
                length += len(piece)
            if length >= self._max_answer:
                return True
            if self._clock.monotonic() - written >= CHECKPOINT_SECONDS:
                written = self._clock.monotonic()
                self._spawn(self._conversations.checkpoint, answer.message_id, answer.progress().text)
        return False

    def _pass(self, answer: LiveAnswer, piece: str) -> None:
        index = answer.add(piece)
        if index is not None:
            self.tell(answer, "chat_delta", self._payloads.delta(answer, index, piece))

    def _history(self, answer: LiveAnswer) -> list[ChatMessage]:
        try:
            rows = self._conversations.messages(answer.conversation, limit=MAX_HISTORY + 2)
        except DashboardError:
            return []  # the question can be answered without what was said before
        own = {answer.message_id, answer.question["id"]}
        told: list[ChatMessage] = [
            {"role": row["role"], "content": LOCAL if is_local(row["content"]) else row["content"]}
            for row in rows
            if row["id"] not in own
            and row["content"]
            and row["status"] in {"complete", "stopped"}
            and not (answer.again and row["created_at"] > answer.question["created_at"])  # what came after the question
        ]
        return told[-MAX_HISTORY:]

    def _after_failure(self, answer: LiveAnswer, grounding: Grounding, error: DashboardError) -> None:
        if self._record_error and isinstance(error, NetworkError) and not error.counts_as_failure:
            self._record_error("grok_chat_failure", f"{type(error).__name__}: {error}", {"dependency": "llm"})
        if answer.progress().text:
            self.break_off(answer, error, "incomplete")
            return
        text, sources = local_answer(grounding, error), grounding.sources()
        if not isinstance(error, NOT_ASKED):
            self._failed(answer, error, text, sources)
            return
        if not answer.claim("complete"):
            return
        self._finish(answer, text, sources)
        payload = self._payloads.response(answer, text, sources, degraded=True, reason=reason(error))
        self.tell(answer, "chat_response", payload)
        if isinstance(error, NotConfiguredError):
            _log.info("✅ Chat answered from local data: no language model is configured")
        else:
            _log.warning("⚠️ Chat answered from local data: %s: %s", type(error).__name__, error)

    def _failed(self, answer: LiveAnswer, error: DashboardError, text: str, sources: list[dict[str, Any]]) -> None:
        if not answer.claim("failed"):
            return
        self._finish(answer, text, sources, status="failed")
        fallback = {"response": text, "sources": sources}
        self.tell(answer, "chat_error", self._payloads.error(answer, error, fallback=fallback))
        _log.warning("⚠️ Chat error, local data shown instead: %s: %s", type(error).__name__, error)

    def break_off(self, answer: LiveAnswer, error: DashboardError, status: str) -> None:
        """End an answer with chat_error, keeping what was said."""
        if not answer.claim(status):
            return
        text = answer.progress().text
        self._finish(answer, text, [], status=status)
        self.tell(answer, "chat_error", self._payloads.error(answer, error, partial=text))
        _log.error("❌ Chat error: %s: %s", type(error).__name__, error)

    def stop(self, answer: LiveAnswer) -> bool:
        """End an answer at once because its reader wants it; False if it has ended already."""
        if not answer.claim("stopped"):
            return False
        text = answer.progress().text
        self.tell(answer, "chat_response", self._payloads.response(answer, text, [], stopped=True))
        answer.cancel()
        self._finish(answer, text, [], status="stopped")
        _log.info("💬 Chat answer stopped (%d chars)", len(text))
        return True

    def _finish(
        self,
        answer: LiveAnswer,
        text: str,
        sources: Sequence[dict[str, Any]],
        *,
        status: str = "complete",
    ) -> None:
        row = {**answer.row, "content": text, "status": status, "sources": list(sources)}
        try:
            answer.saved = self._conversations.save(answer.conversation, [row], changed=())
            if not answer.saved:
                answer.saved = self._conversations.flush(answer.user_id) == 0
        except DashboardError as error:
            _log.warning("⚠️ An answer is not kept: %s", type(error).__name__)
        finally:
            self._live.remove(answer)

    def tell(self, answer: LiveAnswer, event: str, payload: Mapping[str, Any]) -> None:
        """Send the person an event; that it fails must not end the answer."""
        try:
            self._emit(answer.user_id, event, payload)
        except Exception:  # noqa: BLE001 - the answer is kept and comes with the history
            _log.exception("❌ %s could not be sent", event)
