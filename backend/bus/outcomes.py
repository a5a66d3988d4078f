"""What came of the last attempt at something that all workers need and one of them gets: kept in Redis, announced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from backend.bus.wire import AwayError, Wire

TOPIC = "outcome"

# KEYS: outcome, lease. ARGV: holder, milliseconds, number of the outcome that the holder knows
_TAKE = """
if (redis.call('HGET', KEYS[1], 'number') or '0') ~= ARGV[3] then return 0 end
return redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""
# KEYS: outcome, lease. ARGV: holder, head, seconds to keep, body ('-' leaves the one that is there), channel, message
# (JSON without its end)
_PUT = """
local time = redis.call('TIME')
local number = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
redis.call('HSET', KEYS[1], 'number', number, 'head', ARGV[2])
if ARGV[4] ~= '-' then redis.call('HSET', KEYS[1], 'body', ARGV[4]) end
redis.call('EXPIRE', KEYS[1], ARGV[3])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('PUBLISH', ARGV[5], ARGV[6] .. ',"number":' .. number .. '}')
return number
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome: its number (when it came, in microseconds), its age in seconds, and what its maker says of it."""

    number: int
    age: float
    head: Mapping[str, Any]


class Outcomes:
    """Outcomes by name.

    Args:
        wire: the line to the others.
        woken: told of the name, the number and the head of each outcome of another worker.
    """

    def __init__(self, wire: Wire, woken: Callable[[str, int, Mapping[str, Any]], object]) -> None:
        self._wire = wire
        self._woken = woken
        self._take = wire.client.register_script(_TAKE)
        self._put = wire.client.register_script(_PUT)
        self._release = wire.client.register_script(_RELEASE)
        wire.on(TOPIC, self._heard)

    def last(self, name: str) -> Outcome | None:
        """Return the last outcome.

        Raises:
            AwayError: Redis is away.
        """
        number, head, now = self._wire.ask(lambda: self._look(name))
        if number is None or head is None:
            return None
        age = now[0] + now[1] / 1e6 - int(number) / 1e6
        return Outcome(int(number), max(0.0, age), orjson.loads(head))

    def body(self, name: str) -> bytes | None:
        """Return the last body that was kept; raises like `last`."""
        found: Any = self._wire.ask(lambda: self._wire.client.hget(self._key(name), "body"))
        return None if found is None else bytes(found)

    def take(self, name: str, seconds: float, *, after: Outcome | None) -> bool:
        """Take the role of the one who tries, for at most `seconds`; raises like `last`.

        Args:
            after: the last outcome that one knows. Where another one has come since, one does not get the role: whoever
                had it has given it back in between, and the answer is there to be taken.
        """
        args: list[Any] = [self._wire.worker, int(seconds * 1000), after.number if after is not None else 0]
        return bool(self._wire.ask(lambda: self._take(keys=[self._key(name), self._lease(name)], args=args)))

    def put(self, name: str, head: Mapping[str, Any], body: bytes | None, keep_seconds: float) -> int:
        """Keep and announce an outcome, give the role back, and return the outcome's number; raises like `last`.

        Args:
            body: None leaves the one that is kept.
        """
        message = orjson.dumps({"topic": TOPIC, "by": self._wire.worker, "name": name, "head": head})
        told = orjson.dumps(head)
        args: list[Any] = [self._wire.worker, told, int(keep_seconds), "-" if body is None else body]
        args += [self._wire.channel, message[:-1]]
        keys = [self._key(name), self._lease(name)]
        return int(self._wire.ask(lambda: self._put(keys=keys, args=args)))

    def release(self, name: str) -> None:
        """Give the role back without an outcome."""
        try:
            self._wire.ask(lambda: self._release(keys=[self._lease(name)], args=[self._wire.worker]))
        except AwayError:
            return  # it ends by itself

    def _look(self, name: str) -> tuple[Any, Any, tuple[int, int]]:
        pipeline = self._wire.client.pipeline(transaction=False)
        pipeline.hmget(self._key(name), "number", "head")
        pipeline.time()
        found, now = pipeline.execute()
        return (*found, now)

    def _heard(self, message: Mapping[str, Any]) -> None:
        if message["by"] != self._wire.worker:
            self._woken(message["name"], message["number"], message["head"])

    def _key(self, name: str) -> str:
        return self._wire.key(f"outcome:{name}")

    def _lease(self, name: str) -> str:
        return self._wire.key(f"outcome:{name}:lease")
