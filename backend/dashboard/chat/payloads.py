"""The payloads of the chat's events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backend.dashboard.chat.live_answers import LiveAnswer
from backend.dashboard.conversations.service import NOT_SAVED
from backend.errors import DashboardError
from backend.resilience.clock import Clock

FEATURE = "grok_chat"


class ChatPayloads:
    """Builds them.

    Args:
        feature_status: returns the state of grok_chat: enabled, circuit_breaker, failures.
        provider: the provider's name.
        model: the model's name.
        clock: for timestamps.
    """

    def __init__(
        self, feature_status: Callable[[], Mapping[str, Any]], provider: str, model: str, clock: Clock
    ) -> None:
        self._feature_status = feature_status
        self._provider = provider
        self._model = model
        self._clock = clock

    def thinking(self, answer: LiveAnswer) -> dict[str, Any]:
        """Return the payload of chat_thinking."""
        return {
            **answer.ids,
            "question": answer.question["content"],
            "question_id": answer.question["id"],
            "client_message_id": answer.question["client_message_id"] or "",
            "timestamp": self._now(),
        }

    def delta(self, answer: LiveAnswer, index: int, piece: str) -> dict[str, Any]:
        """Return the payload of chat_delta."""
        return {**answer.ids, "index": index, "delta": piece}

    def response(
        self, answer: LiveAnswer, text: str, sources: list[dict[str, Any]], *, degraded: bool = False, **more: Any
    ) -> dict[str, Any]:
        """Return the payload of chat_response; of `more`, what is empty or false is left out."""
        return {
            **answer.ids,
            "response": text,
            "is_error": False,
            "degraded": degraded,
            "sources": sources,
            "provider": "local" if degraded else self._provider,
            "model": "" if degraded else answer.model or self._model,
            **{name: value for name, value in more.items() if value},
            **self._common(answer),
        }

    def error(
        self,
        answer: LiveAnswer,
        error: DashboardError,
        *,
        partial: str = "",
        fallback: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the payload of chat_error.

        Args:
            partial: what was said before it broke off.
            fallback: response and sources out of local data.
        """
        payload = {
            **answer.ids,
            "error": error.message,
            "type": error.code,
            "recoverable": True,  # the question is kept, and asking again is always possible
            "suggestion": error.suggestion,
            **self._common(answer),
        }
        if error.retry_after is not None:
            payload["retry_after"] = error.retry_after
        if partial:
            payload["partial_text"] = partial
        if fallback:
            payload["fallback"] = dict(fallback)
        return payload

    def _common(self, answer: LiveAnswer) -> dict[str, Any]:
        state = self._feature_status()
        common: dict[str, Any] = {
            "feature_status": {
                "enabled": bool(state.get("enabled", True)),
                "circuit_breaker": state.get("circuit_breaker", "closed"),
                "failures": state.get("failures", 0),
            },
            "timestamp": self._now(),
        }
        if not answer.saved:
            common["notice"] = NOT_SAVED
        return common

    def _now(self) -> str:
        return self._clock.now().isoformat()


def reason(error: DashboardError) -> dict[str, Any]:
    """Return why an answer comes from local data, for clients."""
    told: dict[str, Any] = {"type": error.code, "message": error.message, "suggestion": error.suggestion}
    if error.retry_after is not None:
        told["retry_after"] = error.retry_after
    return told
