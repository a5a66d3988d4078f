"""The fleet, as a program uses it: what its processes share, on one connection pool and one background worker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from backend import runtime
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.fleet.budget import FleetRetryBudget
from backend.resilience.fleet.errors import FleetErrors
from backend.resilience.fleet.exchange import Exchange
from backend.resilience.fleet.redis_server import RedisServer, open_client
from backend.resilience.fleet.server import FleetServer, Json, ServerAwayError
from backend.resilience.fleet.storage import RedisBreakerStorage
from backend.resilience.fleet.timing import Timing


class Fleet:
    """One process's membership. Nothing is sent before `start`; until then, and without Redis, each is on its own.

    Args:
        server: what the processes share.
        clock: of this process; shared instants come from the server's.
        timing: how often and how long.
        worker: a name that no other process has, in this life or another; a random one by default.

    Raises:
        ValueError: a colon in the worker's name.
    """

    def __init__(
        self,
        server: FleetServer,
        *,
        clock: Clock = SYSTEM_CLOCK,
        timing: Timing | None = None,
        worker: str | None = None,
    ) -> None:
        self.worker = worker or uuid4().hex[:12]
        if ":" in self.worker:
            raise ValueError(f"a worker's name has no colon, unlike {worker!r}")
        self.timing = timing or Timing()
        self.exchange = Exchange(server, clock, self.timing)
        self._server = server
        self._clock = clock
        self._audit: list[Json] = []
        self._tasks: list[runtime.Task] = []
        self._spawn: Callable[..., Any] | None = None

    @property
    def connected(self) -> bool:
        """Whether Redis answered the last time."""
        return self.exchange.link.up

    def breaker_storage(self, name: str) -> RedisBreakerStorage:
        """Return the storage for the breaker of that name; `Guards(storage=fleet.breaker_storage)`.

        Raises:
            ValueError: there is no name, or a breaker has it already.
        """
        storage = RedisBreakerStorage(
            name,
            worker=self.worker,
            link=self.exchange.link,
            clock=self._clock,
            timing=self.timing,
            wake=self.exchange.wake,
            run=self._run,
        )
        self._join("breaker", name, storage)
        return storage

    def budget(self, name: str, ratio: float = 0.2, minimum: int = 3) -> FleetRetryBudget:
        """Return the retry budget for the dependency of that name; `Guards(budget=fleet.budget)`.

        Args:
            ratio: retries per call, over all processes.
            minimum: retries per window that are allowed whatever the calls, over all processes.

        Raises:
            ValueError: there is no name, or a budget has it already.
        """
        link, wake = self.exchange.link, self.exchange.wake
        budget = FleetRetryBudget(name, ratio, minimum, worker=self.worker, link=link, wake=wake, clock=self._clock)
        self._join("budget", name, budget)
        return budget

    def errors(self, name: str = "errors") -> FleetErrors:
        """Return what the processes share of their errors; `ErrorAggregator(shared=fleet.errors())`.

        Raises:
            ValueError: there is one of that name already.
        """
        link, wake = self.exchange.link, self.exchange.wake
        errors = FleetErrors(name, worker=self.worker, link=link, wake=wake, clock=self._clock)
        self._join("board", name, errors)
        return errors

    def audit(self, limit: int = 50) -> list[dict[str, Any]]:
        """Return what people decided about breakers, newest first; what was read last where Redis is away.

        Each entry has at and until (ISO 8601), name, state, generation, reason, author and worker.
        """
        try:
            read = runtime.call_with_timeout(self.timing.timeout, self._server.audit, limit)
            self._audit = [_dated(entry) for entry in read]
        except (ServerAwayError, TimeoutError) as error:
            self.exchange.link.lost(error)
        return self._audit[:limit]

    def start(self, spawn: Callable[..., Any] = runtime.spawn) -> None:
        """Begin to talk and to listen, in the background. After a fork, not before it."""
        self._spawn = spawn
        self._tasks = [spawn(self.exchange.run), spawn(self.exchange.listen)]

    def stop(self) -> None:
        """Send what is left to be sent, and end."""
        self.exchange.stop()
        for task, seconds in zip(self._tasks, (2 * self.timing.timeout, 0.0), strict=False):
            task.wait(seconds)  # the exchange has a last word to say, the listener has none
            task.kill()
        self._tasks = []
        self._server.close()

    def _join(self, noun: str, name: str, member: Any) -> None:
        if not name or (noun, name) in self.exchange.members:
            raise ValueError(f"what the processes share needs a name of its own, not {name!r}")
        self.exchange.members[noun, name] = member
        self.exchange.poll_soon()

    def _run(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Run what listeners may hold up: beside the exchange, where there is something to spawn it with."""
        if self._spawn is None:
            func(*args, **kwargs)
        else:
            self._spawn(func, *args, **kwargs)


def connect(
    url: str,
    *,
    installation: str = "main",
    clock: Clock = SYSTEM_CLOCK,
    timing: Timing | None = None,
) -> Fleet:
    """Return a fleet on Redis. Connects when it is started.

    Args:
        url: as `REDIS_URL`.
        installation: processes of one installation share what they know; several may use one Redis.
        clock: of this process.
        timing: how often and how long.
    """
    timing = timing or Timing()
    client = open_client(url, timing.timeout)
    return Fleet(RedisServer(client, installation=installation, timing=timing), clock=clock, timing=timing)


def _dated(entry: Json) -> dict[str, Any]:
    shown: dict[str, Any] = {"author": None, "until": None, **entry}
    for name in ("at", "until"):
        if shown[name] is not None:
            shown[name] = datetime.fromtimestamp(shown[name] / 1000, UTC).isoformat()
    return shown
