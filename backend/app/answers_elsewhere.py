"""Answers of the chat over several workers: what another one says so far, stopping it, and who makes which."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from backend import runtime
from backend.bus.event_log import EventLog
from backend.bus.wire import AwayError, Wire
from backend.dashboard.chat.live_answers import Progress
from backend.dashboard.chat.service import ChatService
from backend.errors import NetworkError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.times import utc_iso

LISTEN_SECONDS = 4.0
"""For which one who asks waits for answers: a worker that is silent for longer counts as dead."""


class AnswersElsewhere:
    """An `Elsewhere`.

    Args:
        wire: the line to the others.
        log: has what they said.
        stopped: set when this process ends.
    """

    def __init__(self, wire: Wire, log: EventLog, stopped: threading.Event, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._wire = wire
        self._log = log
        self._stopped = stopped
        self._clock = clock
        self._alive: set[str] = set()

    def stop(self, user_id: str, message_id: str) -> None:
        """Have an answer stopped; see `Elsewhere`."""
        try:
            self._wire.tell("chat_stop", user=user_id, message=message_id)
        except AwayError:
            raise NetworkError(
                "Redis is away", message="The answer is written by another worker that cannot be reached now."
            ) from None

    def progress(self, user_id: str, message_id: str) -> Progress | None:
        """Return what an answer says so far; see `Elsewhere`."""
        try:
            entries = self._log.kept("chat", user=user_id)
        except AwayError:
            return None
        deltas = [
            entry.payload
            for entry in entries
            if entry.event == "chat_delta" and entry.payload.get("message_id") == message_id
        ]
        if not deltas or deltas[0]["index"] != 0:  # its beginning is not kept any more
            return None
        return Progress("".join(delta["delta"] for delta in deltas), int(deltas[-1]["index"]), "streaming")

    def serve(self, chat: ChatService) -> None:
        """Stop answers made here that others are asked to stop, and tell them which are made here."""

        def stop(message: Mapping[str, Any]) -> None:
            runtime.spawn(chat.stop_here, message["user"], message["message"])

        def tell(_: Mapping[str, Any]) -> None:
            self._wire.tell("answers", made=chat.abandoned.made_here())

        self._wire.on("chat_stop", stop)
        self._wire.on("answers?", tell)
        self._wire.on("answers", lambda message: self._alive.update(message["made"]))

    def end_abandoned(self, chat: ChatService) -> None:
        """End the answers of workers that have died; once, some seconds after the start."""
        before = utc_iso(self._clock.now())
        try:
            self._wire.tell("answers?")
        except AwayError:
            return  # nobody can say what the others make; the history tells of what is too old
        if self._stopped.wait(LISTEN_SECONDS) or not self._wire.up:
            return
        chat.abandoned.end(self._alive | set(chat.abandoned.made_here()), before)
