"""One process's line to the others: messages by topic, and scripts, over one Redis.

Nothing here makes a caller wait for a Redis that is gone: the first failure takes the line down, everybody else is told
at once, and the background opens it again. Whoever must not miss what was said meanwhile asks for it in `on_up`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson
import redis
from redis.exceptions import RedisError

from backend import runtime
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.fleet.redis_server import RedisSubscription, open_client
from backend.resilience.fleet.server import ServerAwayError

T = TypeVar("T")
Message = Mapping[str, Any]
Told = Callable[[Message], None]

RETRY_SECONDS = 0.5
QUIET_SECONDS = 30.0
BRIEF_SECONDS = 2.0  # by then the kit's fleet has told it, where it is Redis that is away
_LISTEN_SECONDS = 0.25
_SILENCE_SECONDS = 3.0

_log = logging.getLogger("jupiter.bus")


class AwayError(Exception):
    """The line is down: go on alone."""


class Wire:
    """The line of one process.

    Args:
        client: with timeouts and without retries.
        worker: who we are, as no other process is called.
        prefix: before every key and the channel; in braces, so that a cluster keeps it on one node.
        timeout: seconds for one call altogether.
        told_already: tells whether the log says already that Redis is away; this says so only where it does not.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        worker: str,
        prefix: str = "jupiter:{main}:",
        timeout: float = 1.0,
        told_already: Callable[[], bool] = lambda: False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._told_already = told_already
        self.worker = worker
        self.up = False
        self.breaks = 0
        self.client = client
        self._prefix = prefix
        self.channel = f"{prefix}bus"
        self._timeout = timeout
        self._clock = clock
        self._topics: dict[str, Told] = {}
        self._on_up: list[Callable[[], None]] = []
        self._stopped = threading.Event()
        self._opened = threading.Event()
        self._task: runtime.Task | None = None
        self._failed_since: float | None = None
        self._said_at: float | None = None
        self._said_away = False
        self._complained_at: float | None = None

    def key(self, name: str) -> str:
        """Return a key of this installation."""
        return f"{self._prefix}{name}"

    def on(self, topic: str, told: Told) -> None:
        """Have `told` called with each message of a topic, also those of this process; it may not wait for anything."""
        self._topics[topic] = told

    def on_up(self, told: Callable[[], None], *, first: bool = False) -> None:
        """Have `told` called whenever the line has been opened: messages may have been missed before.

        Args:
            first: before all others so far.
        """
        self._on_up.insert(0 if first else len(self._on_up), told)

    def tell(self, topic: str, **body: Any) -> None:
        """Send a message to all processes.

        Raises:
            AwayError: the line is down.
        """
        message = orjson.dumps({"topic": topic, "by": self.worker, **body}, default=str)
        self.ask(lambda: self.client.publish(self.channel, message))

    def ask(self, call: Callable[[], T]) -> T:
        """Make a call to Redis.

        Raises:
            AwayError: the line is down, or went down with this call; it may have been carried out.
        """
        if not self.up:
            raise AwayError("Redis is away")
        try:
            return runtime.call_with_timeout(self._timeout, call)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._broken(error)
            raise AwayError(f"{type(error).__name__}: {error}") from error

    def start(self, spawn: Callable[..., runtime.Task] = runtime.spawn, patience: float = 1.0) -> None:
        """Open the line in the background; wait for that at most `patience` seconds."""
        self._task = spawn(self._run)
        self._opened.wait(patience)

    def stop(self) -> None:
        """Close it."""
        self._stopped.set()
        self.up = False
        if self._task is not None and not self._task.wait(2 * _LISTEN_SECONDS):
            self._task.kill()
        self.client.close()
        self.client.connection_pool.disconnect()

    def _broken(self, error: Exception) -> None:
        if self.up:
            self.breaks += 1
            _log.debug("fleet: the line to the other workers broke: %s: %s", type(error).__name__, error)
        self.up = False

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except (ServerAwayError, AwayError, RedisError, OSError) as error:
                self._broken(error)
                self._say(True, "fleet: no line to the other workers (%s); events stay in this process", error)
            except Exception:  # noqa: BLE001 - the line must be opened again, whatever it was
                self._complain("❌ The line to the other workers broke in a way that nobody foresaw")
            self.up = False
            self._stopped.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        subscription = RedisSubscription(self.client, self.channel, _SILENCE_SECONDS)
        try:
            subscription.next(self._timeout)
            if not subscription.confirmed:  # from then on nothing is missed; a frozen Redis takes the question too
                raise ServerAwayError("the subscription was not confirmed in time")
            self.up = True
            for told in self._on_up:
                self._catch_up(told)
            if self.up:
                self._opened.set()
                self._say(False, "fleet: the line to the other workers is open again")
            while self.up and not self._stopped.is_set():
                message = subscription.next(_LISTEN_SECONDS)
                if message is not None:
                    self._hand_on(message)
        finally:
            subscription.close()

    def _catch_up(self, told: Callable[[], None]) -> None:
        try:
            told()
        except AwayError:
            raise
        except Exception:  # noqa: BLE001 - what lies in Redis is of another version, say: the line is open all the same
            self._complain("❌ What was missed while the line to the other workers was down could not be worked on")

    def _hand_on(self, message: Message) -> None:
        told = self._topics.get(str(message.get("topic")))
        if told is None:
            return
        try:
            told(message)
        except AwayError:
            return
        except Exception:  # noqa: BLE001 - of another version, or a fault of ours: the next message has to be heard
            self._complain("❌ A message of another worker could not be worked on")

    def _complain(self, text: str) -> None:
        """Log the error that is being handled; of many that follow each other, the first."""
        now = self._clock.monotonic()
        if self._complained_at is None or now - self._complained_at >= QUIET_SECONDS:
            self._complained_at = now
            _log.exception(text)

    def _say(self, away: bool, text: str, *args: object) -> None:
        """One line in a while, however often the line breaks; none of what is brief, or was not told to be broken."""
        now = self._clock.monotonic()
        began, self._failed_since = self._failed_since, (self._failed_since or now) if away else None
        if away and (now - (began or now) < BRIEF_SECONDS or self._told_already()):
            return
        recently = self._said_at is not None and now - self._said_at < QUIET_SECONDS
        if recently or (not away and not self._said_away):
            return
        self._said_at, self._said_away = now, away
        _log.log(logging.WARNING if away else logging.INFO, text, *args)


def connect(
    url: str,
    *,
    worker: str,
    installation: str = "main",
    timeout: float = 1.0,
    told_already: Callable[[], bool] = lambda: False,
) -> Wire:
    """Return a line over the Redis at `url`; it is opened by `start`."""
    client = open_client(url, timeout)
    prefix = f"jupiter:{{{installation}}}:"
    return Wire(client, worker=worker, prefix=prefix, timeout=1.5 * timeout, told_already=told_already)
