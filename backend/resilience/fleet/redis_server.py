"""The server in Redis: a script per noun, so that each step is one; keys and channel begin with the installation."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha1
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.retry import Retry

from backend.resilience.fleet.server import Json, Request, ServerAwayError
from backend.resilience.fleet.timing import Timing

_log = logging.getLogger("jupiter.resilience")
_NOT_SERVING_CODES = ("BUSY", "MISCONF", "NOREPLICAS")
_NOT_SERVING = (OutOfMemoryError, ReadOnlyError, NoPermissionError, ClusterDownError, MasterDownError, AskError)
"""The last also of a cluster's node that has none of our keys (MOVED)."""


def open_client(url: str, timeout: float) -> redis.Redis:
    """Return a client that connects at its first use, gives up after `timeout` seconds and never retries."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


@cache
def script(noun: str) -> tuple[str, str]:
    """Return the source and the digest of a noun's script."""
    source = Path(__file__).with_name("lua").joinpath(f"{noun}.lua").read_text("utf-8")
    return source, sha1(source.encode(), usedforsecurity=False).hexdigest()


class RedisServer:
    """A `FleetServer`.

    Args:
        client: with timeouts and without retries; whether it decodes replies does not matter.
        installation: programs of different installations may share one Redis and know nothing of each other.
        source: gives source and digest of a script; tests put their own clock in.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        installation: str = "main",
        timing: Timing | None = None,
        source: Callable[[str], tuple[str, str]] = script,
    ) -> None:
        self._client = client
        self._prefix = f"jupiter:{{{installation}}}:"  # in braces: in a cluster all of it lies on one node
        self._channel = f"{self._prefix}news"
        self._timing = timing or Timing()
        self._source = source

    def ask(self, requests: Sequence[Request]) -> list[Json | None]:
        """Put all questions in one exchange; see `FleetServer`."""
        replies = self._exchange(requests)
        unknown = {each.noun for each, reply in zip(requests, replies, strict=True) if isinstance(reply, NoScriptError)}
        if unknown:
            self._load(unknown)
            again = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
            for at, reply in zip(again, self._exchange([requests[at] for at in again]), strict=True):
                replies[at] = reply
        return [self._understood(each, reply) for each, reply in zip(requests, replies, strict=True)]

    def subscribe(self) -> RedisSubscription:
        """Begin to listen; see `FleetServer`."""
        return RedisSubscription(self._client, self._channel, self._timing.silence)

    def audit(self, limit: int) -> list[Json]:
        """Return the decisions of people, newest first; see `FleetServer`."""
        try:
            entries = self._client.lrange(self._key("audit"), 0, limit - 1)
        except (RedisError, OSError) as error:
            if isinstance(error, ResponseError) and not _is_not_serving(error):
                return []  # somebody else's value
            raise ServerAwayError(_said(error)) from error
        return [decision for decision in map(_decoded, entries) if decision is not None]

    def close(self) -> None:
        """Give all connections back."""
        self._client.close()
        self._client.connection_pool.disconnect()

    def _exchange(self, requests: Sequence[Request]) -> list[Any]:
        try:
            pipeline = self._client.pipeline(transaction=False)
            for each in requests:
                keys = self._keys(each)
                args = json.dumps(each.args, separators=(",", ":"))
                pipeline.evalsha(self._source(each.noun)[1], len(keys), *keys, each.operation, args, self._channel)
            return pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise ServerAwayError(_said(error)) from error

    def _load(self, nouns: set[str]) -> None:
        try:
            for noun in nouns:
                self._client.script_load(self._source(noun)[0])
        except (RedisError, OSError) as error:
            raise ServerAwayError(_said(error)) from error

    def _understood(self, request: Request, reply: Any) -> Json | None:
        if isinstance(reply, ResponseError) and not _is_not_serving(reply):
            _log.debug("fleet: %s %s was refused: %s", request.noun, request.name, reply)
            return None
        if isinstance(reply, Exception):
            raise ServerAwayError(_said(reply)) from reply
        parsed: Json = json.loads(reply)
        return parsed

    def _keys(self, request: Request) -> list[str]:
        if request.noun == "breaker":
            return [self._key(f"breaker:{request.name}"), self._key(f"counts:{request.name}"), self._key("audit")]
        if request.noun == "budget":
            return [self._key(f"budget:{request.name}")]
        return [self._key(f"{request.name}:{part}") for part in ("notes", "versions", "head")]

    def _key(self, name: str) -> str:
        return f"{self._prefix}{name}"


class RedisSubscription:
    """A `Subscription` on a connection of its own. It pings when nothing arrives, so a dead peer is noticed."""

    def __init__(
        self, client: redis.Redis, channel: str, silence: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._silence = silence
        self._monotonic = monotonic
        self._heard = monotonic()
        self._pinged = False
        self.confirmed = False
        """Whether Redis has said that it listens to us: what is published from then on arrives."""
        self._pubsub = client.pubsub()  # type: ignore[no-untyped-call]  # redis-py's own gap
        self._safely(lambda: self._pubsub.subscribe(channel))

    def next(self, timeout: float) -> Json | None:
        """Return the next message; see `Subscription`."""
        message = self._safely(lambda: self._pubsub.get_message(timeout=timeout))
        now = self._monotonic()
        if message is not None:
            self._heard, self._pinged = now, False
            self.confirmed = self.confirmed or message["type"] == "subscribe"
            return _decoded(message["data"]) if message["type"] == "message" else None
        if now - self._heard >= 2 * self._silence:
            raise ServerAwayError("the subscription is dead")
        if now - self._heard >= self._silence and not self._pinged:
            self._pinged = True
            self._safely(self._pubsub.ping)
        return None

    def close(self) -> None:
        """End it."""
        try:
            self._pubsub.close()
        except (RedisError, OSError):  # it is gone already, which is what was wanted
            return

    def _safely(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        except (RedisError, OSError, RuntimeError, ValueError) as error:
            self.close()
            raise ServerAwayError(_said(error)) from error


def _is_not_serving(error: ResponseError) -> bool:
    """Tell whether it refuses everybody at present: by class, where redis-py has one and cuts the code off."""
    return isinstance(error, _NOT_SERVING) or str(error).startswith(_NOT_SERVING_CODES)


def _decoded(data: Any) -> Json | None:
    try:
        message = json.loads(data)
    except (TypeError, ValueError):
        return None  # somebody else's
    return message if isinstance(message, dict) else None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
