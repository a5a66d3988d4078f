"""A server within the process: for tests, and to have several kits in one program agree."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Sequence

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.fleet.arbiter import Arbiter
from backend.resilience.fleet.board import Board
from backend.resilience.fleet.server import Json, Request
from backend.resilience.fleet.treasury import Treasury


class MemorySubscription:
    """The messages for one listener."""

    def __init__(self) -> None:
        self.messages: deque[Json] = deque()
        self.closed = False
        self._arrived = threading.Event()

    def next(self, timeout: float) -> Json | None:
        """Return the next message; see `Subscription`. With a timeout of 0 it never waits."""
        if not self.messages and timeout > 0:
            self._arrived.wait(timeout)
        self._arrived.clear()
        return self.messages.popleft() if self.messages else None

    def take(self, message: Json) -> None:
        """Add a message, from whatever thread."""
        self.messages.append(message)
        self._arrived.set()

    def close(self) -> None:
        """Hear no more."""
        self.closed = True


class MemoryServer:
    """A `FleetServer` that keeps everything in memory."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self.subscriptions: list[MemorySubscription] = []
        self.forget()

    def forget(self) -> None:
        """Lose everything, as FLUSHALL or a restart does."""
        self.arbiters: dict[str, Arbiter] = {}
        self._treasuries: dict[str, Treasury] = {}
        self._boards: dict[str, Board] = {}
        self._decisions: list[Json] = []

    def ask(self, requests: Sequence[Request]) -> list[Json | None]:
        """Put all questions; see `FleetServer`."""
        return [self._one(each) for each in requests]

    def subscribe(self) -> MemorySubscription:
        """Begin to listen; see `FleetServer`."""
        made = MemorySubscription()
        self.subscriptions.append(made)
        return made

    def audit(self, limit: int) -> list[Json]:
        """Return the decisions of people, newest first."""
        return self._decisions[:limit]

    def close(self) -> None:
        """Nothing is open."""

    def _one(self, request: Request) -> Json:
        args: Json = json.loads(json.dumps(request.args))  # what cannot travel fails here too
        now = int(self._clock.now().timestamp() * 1000)
        if request.noun == "breaker":
            return self._arbiter(request.name).do(request.operation, args, now)
        if request.noun == "budget":
            return self._treasuries.setdefault(request.name, Treasury()).do(args, now)
        return self._boards.setdefault(request.name, Board()).do(args, now)

    def _arbiter(self, name: str) -> Arbiter:
        if name not in self.arbiters:
            self.arbiters[name] = Arbiter(name, self._decisions, self._publish)
        return self.arbiters[name]

    def _publish(self, message: Json) -> None:
        self.subscriptions = [each for each in self.subscriptions if not each.closed]
        for each in self.subscriptions:
            each.take(json.loads(json.dumps(message)))
