"""Answering a request_* event: the ack goes out at once, then loading, then an update or an error to that socket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from backend import runtime
from backend.errors import DashboardError
from backend.realtime.broadcaster import Broadcaster
from backend.realtime.door import ErrorAnswers, public_error
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import deadline

logger = logging.getLogger("jupiter.realtime")

ANSWER_SECONDS = 30.0

Produce = Callable[[], Mapping[str, Any]]


class Answers:
    """Runs what was asked for beside the handler and sends what came of it.

    Args:
        broadcaster: sends.
        errors: records what went wrong without being foreseen.
        spawn: runs a function concurrently.
    """

    def __init__(
        self,
        broadcaster: Broadcaster,
        errors: ErrorAnswers,
        *,
        spawn: Callable[..., Any] = runtime.spawn,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._broadcaster = broadcaster
        self._errors = errors
        self._spawn = spawn
        self._clock = clock

    def later(self, sid: str, noun: str, produce: Produce, *, loading: bool = True) -> None:
        """Produce the answer in the background.

        Args:
            sid: the socket that asked.
            noun: threats, pulse, summary or status: the events are `<noun>_loading`, `_update`, `_error`.
            produce: returns the payload of the update.
            loading: whether to say first that it is loading.
        """
        self._spawn(self._answer, sid, noun, produce, loading)

    def _answer(self, sid: str, noun: str, produce: Produce, loading: bool) -> None:
        if loading:
            self._broadcaster.answer(sid, f"{noun}_loading", {"timestamp": self._now()})
        try:
            with deadline(ANSWER_SECONDS, self._clock):
                payload = produce()
        except DashboardError as error:
            self._failed(sid, noun, error)
        except Exception as error:  # noqa: BLE001 - the boundary of a background task: told and recorded, not lost
            self._errors.handle_error(error, {"endpoint": f"event request_{noun}"})
            self._failed(sid, noun, DashboardError())
        else:
            self._send(sid, noun, payload)

    def _send(self, sid: str, noun: str, payload: Mapping[str, Any]) -> None:
        if _is_nothing(payload):
            logger.info("⚠️ %s_error: no source has anything yet", noun)
            self._broadcaster.answer(sid, f"{noun}_error", self._nothing(payload))
        else:
            logger.info("✅ %s_update", noun)
            self._broadcaster.answer(sid, f"{noun}_update", payload)

    def _failed(self, sid: str, noun: str, error: DashboardError) -> None:
        logger.info("⚠️ %s_error: %s", noun, error)
        payload = public_error(error, self._now())
        if error.fallback_data is not None:
            payload["fallback_data"] = dict(error.fallback_data)
        self._broadcaster.answer(sid, f"{noun}_error", payload)

    def _nothing(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Say that no source has anything, with the ledger that tells why."""
        sources = list(payload.get("sources", ()))
        failed: Mapping[str, Any] = next((source for source in sources if source.get("error")), {})
        return {
            "error": payload.get("message") or failed.get("error") or "No source has answered yet.",
            "type": "UPSTREAM_ERROR",
            "timestamp": self._now(),
            "recoverable": True,
            "suggestion": payload.get("suggestion")
            or failed.get("suggestion")
            or "It is tried again by itself. Check the network, or try: python run.py demo",
            "sources": sources,
        }

    def _now(self) -> str:
        return self._clock.now().isoformat()


def _is_nothing(payload: Mapping[str, Any]) -> bool:
    """Whether every source has failed and nothing was ever loaded."""
    states = [source.get("status") for source in payload.get("sources", ())]
    empty = payload.get("success") is False or payload.get("status") == "error"
    return bool(empty and states and "loading" not in states)
