"""Worker processes of a fleet, led by a test: python -m tests.support.fleet_worker PORT COUNT.

One process imports everything and then splits into COUNT workers, so that twenty of them are there within a second.
Each connects to PORT on loopback and does what it is told: a JSON object a line in, its answer a line out. A worker
may be several members of the fleet at once, each with its own name, connections and breakers, as separate as two
processes are but for the processor they share.
"""

from __future__ import annotations

import os
import sys

from backend import runtime

runtime.patch(os.environ.get("JUPITER_TEST_ASYNC_MODE") or "eventlet")

import json  # noqa: E402  (after the patch)
import logging  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from functools import partial  # noqa: E402
from typing import Any  # noqa: E402

import redis  # noqa: E402

from backend.errors import CircuitBreakerOpenError  # noqa: E402
from backend.resilience import CircuitBreaker, CountWindow, ErrorAggregator, retry_with_backoff  # noqa: E402
from backend.resilience.events import BreakerChanged, Listeners  # noqa: E402
from backend.resilience.fleet import Timing, connect  # noqa: E402


class Down(Exception):
    """The dependency failed."""


class Kept(logging.Handler):
    """Keeps what is logged, with its time."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[tuple[float, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((time.monotonic(), record.levelname, record.getMessage()))


class Member:
    """One member of the fleet: what a process has that joins it once."""

    def __init__(self, url: str, breakers: dict[str, dict[str, Any]], timing: dict[str, float]) -> None:
        self.fleet = connect(url, installation="test", timing=Timing(**timing))
        self.changes: list[list[Any]] = []
        listeners = Listeners()
        listeners.subscribe(self._changed, BreakerChanged)
        self.breakers = {name: self._breaker(name, listeners, **options) for name, options in breakers.items()}
        self.budget = self.fleet.budget("upstream")
        self.aggregator = ErrorAggregator(shared=self.fleet.errors())
        self.begun: list[Any] = []
        self.breaks = 0
        link = self.fleet.exchange.link
        link._on_away = partial(self._broke, link._on_away)
        self.fleet.start()

    def _broke(self, alone: Callable[[], None]) -> None:
        self.breaks += 1
        alone()

    def _breaker(
        self, name: str, listeners: Listeners, window: dict[str, Any] | None = None, **options: Any
    ) -> CircuitBreaker:
        storage = self.fleet.breaker_storage(name)
        rates = CountWindow(**window) if window else None
        return CircuitBreaker(name=name, storage=storage, listeners=listeners, window=rates, **options)

    def _changed(self, event: BreakerChanged) -> None:
        self.changes.append([event.name, event.old, event.new, time.monotonic(), event.reason])


def fail() -> None:
    raise Down("down")


class Worker:
    """What a test may tell a worker to do; each method takes the fields of the object and returns the answer."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.kept = Kept()
        logger = logging.getLogger("jupiter")
        logger.addHandler(self.kept)
        logger.setLevel(logging.INFO)
        logger.propagate = False

    def join(
        self, url: str, breakers: dict[str, dict[str, Any]], members: int = 1, timing: dict[str, float] | None = None
    ) -> list[str]:
        self.members = [Member(url, breakers, timing or {}) for _ in range(members)]
        return [member.fleet.worker for member in self.members]

    def leave(self) -> None:
        for member in self.members:
            member.fleet.stop()
        self.members = []

    def connected(self) -> list[bool]:
        return [member.fleet.connected for member in self.members]

    def breaks(self) -> list[int]:
        """Return how often each member has lost the server, for however short a time."""
        return [member.breaks for member in self.members]

    def call(self, name: str, fails: bool, times: int = 1) -> dict[str, Any]:
        """Make calls one after the other with each member; `at` is when the last one began."""
        counts = {"ok": 0, "failed": 0, "rejected": 0, "other": 0, "at": 0.0, "longest": 0.0}
        for member in self.members:
            for _ in range(times):
                counts["at"] = time.monotonic()
                counts[self._one(member.breakers[name], fails)] += 1
                counts["longest"] = max(counts["longest"], time.monotonic() - counts["at"])
        return counts

    def begin(self, name: str, at: float = 0.0) -> list[bool]:
        """Ask all members' breakers for admission at the same moment, and hold what was admitted."""
        time.sleep(max(0.0, at - time.monotonic()))
        admitted = [False] * len(self.members)

        def ask(number: int, member: Member) -> None:
            try:
                member.begun.append(member.breakers[name].begin())
                admitted[number] = True
            except CircuitBreakerOpenError:
                return

        for task in [runtime.spawn(ask, *each) for each in enumerate(self.members)]:
            task.wait(10)
        return admitted

    def end(self, outcome: str) -> int:
        """End every call that is held: success, failure, left; or lives, which holds it on. Return how many."""
        ended = 0
        for member in self.members:
            for call in member.begun:
                ended += 1
                if outcome == "success":
                    call.succeeded()
                elif outcome == "failure":
                    call.failed(Down("down"))
                elif outcome == "lives":
                    call.alive()
                else:
                    call.dropped()
            if outcome != "lives":
                member.begun = []
        return ended

    def states(self, name: str) -> list[list[Any]]:
        """Return number, state, failures counted, author and reason."""
        breakers = [member.breakers[name] for member in self.members]
        told = [(each.snapshot, each.failure_count) for each in breakers]
        return [[record.generation, record.state, count, record.author, record.reason] for record, count in told]

    def changes(self) -> list[list[list[Any]]]:
        """Return what the listeners were told since the last time."""
        told = [member.changes for member in self.members]
        for member in self.members:
            member.changes = []
        return told

    def log(self) -> list[tuple[float, str, str]]:
        """Return what was logged since the last time."""
        lines, self.kept.lines = self.kept.lines, []
        return lines

    def decide(self, name: str, what: str, **options: Any) -> None:
        """Do what a person does with the first member: reset, force_open, disable or metrics_only."""
        getattr(self.members[0].breakers[name], what)(**options)

    def audit(self) -> list[dict[str, Any]]:
        return self.members[0].fleet.audit()

    def outage(self, seconds: float, pause: float, attempts: int) -> dict[str, int]:
        """Call what always fails through the retry, within the budget; count calls and attempts."""
        counted = {"calls": 0, "attempts": 0}

        def attempt() -> None:
            counted["attempts"] += 1
            raise Down("down")

        member = self.members[0]
        ask = retry_with_backoff(max_attempts=attempts, initial_delay=0.005, budget=member.budget)(attempt)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            counted["calls"] += 1
            try:
                ask()
            except Down:
                time.sleep(pause)
        return counted

    def record_errors(self, kind: str, message: str, times: int, context: dict[str, Any]) -> None:
        for _ in range(times):
            self.members[0].aggregator.record_error(kind, message, context)

    def errors(self) -> dict[str, Any]:
        aggregator = self.members[0].aggregator
        return {
            "stats": aggregator.get_error_stats(),
            "endpoints": aggregator.get_endpoint_stats(),
            "recent": aggregator.get_recent_errors(100),
            "groups": aggregator.get_groups(100),
        }

    def hear(self, url: str, channel: str, messages: int) -> list[float]:
        """Return how long each of so many bare messages, which say when they were sent, was on its way."""
        took: list[float] = []
        with redis.Redis.from_url(url) as client, client.pubsub(ignore_subscribe_messages=True) as heard:
            heard.subscribe(channel)
            while len(took) < messages:
                message = heard.get_message(timeout=5)
                if message is not None:
                    took.append(time.monotonic() - float(message["data"]))
        return took

    def process(self) -> int:
        return os.getpid()

    @staticmethod
    def _one(breaker: CircuitBreaker, fails: bool) -> str:
        try:
            breaker.call(fail if fails else time.monotonic)
        except Down:
            return "failed"
        except CircuitBreakerOpenError:
            return "rejected"
        except Exception:  # what the test is to find out
            logging.getLogger("jupiter").exception("a call raised what it must not")
            return "other"
        return "ok"


def serve(port: int) -> None:
    """Do as told until the test goes away."""
    worker = Worker()
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rwb") as lines:
        for line in lines:
            told = json.loads(line)
            answer = getattr(worker, told.pop("do"))(**told)
            lines.write(json.dumps(answer).encode() + b"\n")
            lines.flush()


def main() -> None:
    """Split into workers and wait for their end."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            serve(port)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
