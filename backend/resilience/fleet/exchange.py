"""The one background worker of a process: it collects what its members have to say, and says it in one exchange."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Protocol

from backend.resilience.clock import Clock
from backend.resilience.fleet.link import Link
from backend.resilience.fleet.server import FleetServer, Json, Request, ServerAwayError, Subscription
from backend.resilience.fleet.timing import Timing

_log = logging.getLogger("jupiter.resilience")
_LISTEN_SECONDS = 0.5
_LAST_EXCHANGES = 10


class Member(Protocol):
    """Something that is kept in the fleet."""

    def collect(self, poll: bool) -> Iterable[Request]:
        """Return what is to be sent now; with `poll`, whether it has changed or not."""

    def hear(self, message: Json) -> None:
        """Take in a message that bears its name."""

    def alone(self) -> None:
        """Go by its own view: the server is away."""


class Exchange:
    """Talks to the server for all members.

    Args:
        server: see `FleetServer`.
    """

    def __init__(self, server: FleetServer, clock: Clock, timing: Timing) -> None:
        self.members: dict[tuple[str, str], Member] = {}
        self.link = Link(server, clock, timing, self._alone)
        self._server = server
        self._clock = clock
        self._timing = timing
        self._pulse = threading.Event()
        self._stopped = threading.Event()
        self._due = 0.0
        self._next_poll = 0.0

    def wake(self, seconds: float) -> None:
        """Ask for an exchange within so many seconds. Costs next to nothing, and never waits."""
        due = self._clock.monotonic() + seconds
        if due < self._due:
            self._due = due
            self._pulse.set()

    def pause(self) -> float:
        """Return the seconds until the next exchange is due."""
        return max(self.link.wait(), self._due - self._clock.monotonic(), 0.0)

    def poll_soon(self) -> None:
        """Ask for everything, at once: messages may have been missed."""
        self._next_poll = 0.0
        self.wake(0.0)

    def step(self) -> bool:
        """Send what there is to send, if the server is thought to be there; tell whether that worked."""
        if not self.link.may_try():
            return False
        now = self._clock.monotonic()
        poll = now >= self._next_poll or not self.link.up
        if poll:
            self._next_poll = now + self._timing.poll
        self._due = self._next_poll
        requests = [request for member in list(self.members.values()) for request in member.collect(poll)]
        return not requests or self.link.ask(requests)

    def hear(self, message: Json) -> None:
        """Hand a message to the member that it is for."""
        member = self.members.get(("breaker", str(message.get("name"))))
        if member is None:
            return
        try:
            member.hear(message)
        except (KeyError, TypeError, ValueError):  # of another version, or not ours
            _log.debug("fleet: a message was not understood", exc_info=True)

    def run(self) -> None:
        """Exchange until `stop`, and once more for what is left to say then."""
        while not self._stopped.is_set():
            self._pulse.wait(self.pause())
            self._pulse.clear()
            if self.pause() <= 0:
                self._step_safely()
        if self.link.up:
            self._last_words()

    def listen(self) -> None:
        """Hear messages until `stop`."""
        while not self._stopped.is_set():
            try:
                self._hear_all(self._server.subscribe())
            except ServerAwayError as error:
                _log.debug("fleet: no messages: %s", error)
            except Exception:  # noqa: BLE001 - whatever it is, the polls go on and so does this
                self.link.complain("fleet: listening failed")
            self._stopped.wait(self._timing.retry)

    def stop(self) -> None:
        """End both loops, soon."""
        self._stopped.set()
        self._pulse.set()

    def _step_safely(self) -> None:
        try:
            self.step()
        except Exception:  # noqa: BLE001 - whatever it is, the next exchange has to take place
            self.link.complain("fleet: an exchange failed")

    def _last_words(self) -> None:
        """All there is to say, whether it is time for it or not; in so many exchanges at most."""
        self._next_poll = 0.0
        for _ in range(_LAST_EXCHANGES):
            self._step_safely()
            if self.pause() > 0:
                return

    def _hear_all(self, subscription: Subscription) -> None:
        self.poll_soon()
        try:
            while not self._stopped.is_set():
                message = subscription.next(_LISTEN_SECONDS)
                if message is not None:
                    self.hear(message)
        finally:
            subscription.close()

    def _alone(self) -> None:
        for member in list(self.members.values()):
            member.alone()
