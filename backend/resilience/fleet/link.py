"""The way to the server: whether it is there, what its clock says, and few words about its absence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from backend import runtime
from backend.resilience.clock import Clock
from backend.resilience.fleet.server import FleetServer, Json, Request, ServerAwayError
from backend.resilience.fleet.server_time import ServerTime
from backend.resilience.fleet.timing import Timing

_log = logging.getLogger("jupiter.resilience")


class Link:
    """Asks the server and never raises. After a failure nobody asks again until `retry` is over.

    Args:
        on_away: called when the server has stopped answering.
    """

    def __init__(self, server: FleetServer, clock: Clock, timing: Timing, on_away: Callable[[], None]) -> None:
        self.up = False
        self.bounded: Callable[..., Any] = runtime.call_with_timeout
        """Calls a function for at most so many seconds; a test without real time puts its own here."""
        self._server = server
        self._clock = clock
        self._timing = timing
        self._on_away = on_away
        self._time = ServerTime()
        self._next_try = 0.0
        self._lost_at: float | None = None
        self._told_from: float  # from when on this absence is worth a line; known once there was one
        self._said_at: float | None = None
        self._said_away = False
        self._complained_at: float | None = None

    def ask(self, requests: Sequence[Request]) -> bool:
        """Put all questions in one exchange and hand out the replies; tell whether there were any.

        For the background: takes as long as the client's own timeouts allow.
        """
        sent = self._clock.monotonic()
        try:
            replies = self._server.ask(requests)
        except ServerAwayError as error:
            self.lost(error)
            return False
        self._back()
        for request, reply in zip(requests, replies, strict=True):
            if reply is not None:
                self._time.sample(reply["now"], sent, self._clock.monotonic())
                self._hand_out(request, reply)
        return True

    def ask_now(self, request: Request) -> Json | None:
        """Put one question for a caller who waits, for at most `timeout`; None where there is no reply."""
        if not self.up:
            return None
        sent = self._clock.monotonic()
        try:
            replies: list[Json | None] = self.bounded(self._timing.timeout, self._server.ask, [request])
        except (ServerAwayError, TimeoutError) as error:
            self.lost(error)
            return None
        reply = replies[0]
        if reply is not None:
            self._time.sample(reply["now"], sent, self._clock.monotonic())
        return reply

    def may_try(self) -> bool:
        """Tell whether it makes sense to ask."""
        return self.up or self._clock.monotonic() >= self._next_try

    def wait(self) -> float:
        """Return the seconds until it makes sense to ask."""
        return 0.0 if self.up else max(0.0, self._next_try - self._clock.monotonic())

    def server_ms(self) -> float | None:
        """Return the server's time now, None before the first reply."""
        return self._time.ms(self._clock.monotonic())

    def lost(self, error: Exception) -> None:
        """Take note that the server does not answer."""
        now = self._clock.monotonic()
        self._next_try = now + self._timing.retry
        was_up, self.up = self.up, False
        if was_up or self._lost_at is None:
            alone = self._lost_at is None or now - self._lost_at >= self._timing.quiet
            self._told_from = now + self._timing.retry if alone else now  # one late exchange is nobody's business
            self._lost_at = now
        if was_up:
            self._on_away()
        if now >= self._told_from and not self._said_away:
            self._say(True, "fleet: Redis does not answer (%s); each process goes by its own view", error)

    def complain(self, text: str) -> None:
        """Log the error that is being handled, as seldom as everything else here."""
        now = self._clock.monotonic()
        if self._complained_at is None or now - self._complained_at >= self._timing.quiet:
            self._complained_at = now
            _log.exception(text)

    def _hand_out(self, request: Request, reply: Json) -> None:
        try:
            request.done(reply)
        except Exception:  # noqa: BLE001 - what one cannot use, of another version say, is nobody else's loss
            self.complain(f"fleet: what the server told of {request.noun} {request.name} cannot be used")

    def _back(self) -> None:
        self.up = True
        if self._said_away:
            self._say(False, "fleet: Redis answers again; the views are reconciled")

    def _say(self, away: bool, text: str, *args: object) -> None:
        """One line in a while, however often the server comes and goes: all breakers share it."""
        now = self._clock.monotonic()
        if self._said_at is not None and now - self._said_at < self._timing.quiet:
            return
        self._said_at, self._said_away = now, away
        _log.log(logging.WARNING if away else logging.INFO, text, *args)
