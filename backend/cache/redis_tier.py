"""The tier that several processes share: an envelope is a Redis hash, and what must be one step is a script.

Redis gone costs one call its timeout a breaker period; every other call is told at once and goes on without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backend import runtime
from backend.cache.envelope import Envelope
from backend.errors import NetworkError
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.clock import SYSTEM_CLOCK, Clock

T = TypeVar("T")

_GENERATION_SECONDS = 3600  # longer than anything takes to compute

# KEYS: entry, counters, sets of tags. ARGV: counters, generation ('-' for none), body, fresh_until, meta, milliseconds
_SET = """
local counters, kept = tonumber(ARGV[1]), 1
if ARGV[2] ~= '-' then
  local now = {}
  for i = 1, counters do now[i] = redis.call('GET', KEYS[1 + i]) or '0' end
  if table.concat(now, ',') ~= ARGV[2] then kept = 0 end
end
if kept == 0 and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'body', ARGV[3], 'fresh_until', kept == 1 and ARGV[4] or '0', 'meta', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
for i = 2 + counters, #KEYS do
  redis.call('SADD', KEYS[i], KEYS[1])
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[i], ARGV[6]) end
end
return kept
"""
# KEYS: counter, entry or set of entries. ARGV: 'key' or 'tag', seconds for the counter
_INVALIDATE = """
redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
local keys = {KEYS[2]}
if ARGV[1] == 'tag' then keys = redis.call('SMEMBERS', KEYS[2]) end
for _, key in ipairs(keys) do
  if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'fresh_until', '0') end
end
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


def connect(url: str, timeout: float = 0.5, *, connections: int = 32) -> redis.Redis:
    """Return a client that connects at its first use, gives up after `timeout` seconds and never retries.

    More than `connections` calls at once wait for their turn.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout,
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )
    return redis.Redis(connection_pool=pool)


class RedisTier:
    """Keeps envelopes in Redis.

    Args:
        client: see `connect`.
        breaker: opens at the first failure.
        prefix: before every key.
        timeout: seconds for a call altogether, name resolution included.
    """

    def __init__(
        self,
        client: redis.Redis,
        breaker: CircuitBreaker | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        prefix: str = "jupiter:cache:",
        timeout: float = 1.0,
    ) -> None:
        self._client = client
        self.breaker = breaker or CircuitBreaker(1, 5.0, name="cache_redis", clock=clock)
        self._clock = clock
        self._prefix = prefix
        self._timeout = timeout
        self._set = client.register_script(_SET)
        self._invalidate = client.register_script(_INVALIDATE)
        self._release = client.register_script(_RELEASE)

    def get(self, key: str) -> Envelope | None:
        """Return what is kept; see `Tier`. What is no envelope is nothing."""
        fields: dict[bytes, bytes] = self._do(lambda: self._read(self._entry(key)))
        try:
            return _decoded(fields) if fields else None
        except (KeyError, ValueError, TypeError):
            return None

    def set(self, key: str, envelope: Envelope, *, generation: str | None = None) -> bool:
        """Keep an envelope; see `Tier`."""
        left = int((envelope.stale_until - self._clock.now().timestamp()) * 1000)
        if left <= 0:
            return False
        counters = self._counters(key, envelope.tags)
        keys = [self._entry(key), *counters, *(self._tag(tag) for tag in envelope.tags)]
        wanted = "-" if generation is None else generation
        args: list[bytes | str | int] = [
            len(counters),
            wanted,
            envelope.body,
            repr(envelope.fresh_until),
            _meta(envelope),
            left,
        ]
        return bool(self._do(lambda: self._set(keys=keys, args=args)))

    def invalidate(self, key: str) -> None:
        """Mark as outdated; see `Tier`."""
        self._outdate("key", self._counters(key, ())[0], self._entry(key))

    def invalidate_tag(self, tag: str) -> None:
        """Mark everything with the tag as outdated; see `Tier`."""
        self._outdate("tag", self._counters(tag, ())[0], self._tag(tag))

    def delete(self, key: str) -> None:
        """Forget; see `Tier`."""
        self.invalidate(key)
        self._do(lambda: self._client.delete(self._entry(key)))

    def generation(self, key: str, tags: Sequence[str]) -> str:
        """Return the generation; see `Tier`."""
        counts = self._do(lambda: self._client.mget(self._counters(key, tags)))
        return ",".join((count or b"0").decode() for count in counts)

    def acquire(self, key: str, token: str, seconds: float) -> bool:
        """Take the lease; see `Tier`."""
        milliseconds = max(1, int(seconds * 1000))
        return bool(self._do(lambda: self._client.set(self._lease(key), token, nx=True, px=milliseconds)))

    def release(self, key: str, token: str) -> None:
        """Give the lease back; see `Tier`."""
        self._do(lambda: self._release(keys=[self._lease(key)], args=[token]))

    def _read(self, entry: str) -> Any:
        try:
            return self._client.hgetall(entry)
        except redis.ResponseError as error:
            if str(error).startswith("WRONGTYPE"):
                return {}
            raise

    def _do(self, call: Callable[[], Any]) -> Any:
        return self.breaker.call(self._bounded, call)

    def _bounded(self, call: Callable[[], T]) -> T:
        try:
            return runtime.call_with_timeout(self._timeout, call)
        except (redis.RedisError, OSError) as error:  # TimeoutError is an OSError
            raise NetworkError(f"Redis: {type(error).__name__}: {error}") from error

    def _outdate(self, kind: str, counter: str, key: str) -> None:
        self._do(lambda: self._invalidate(keys=[counter, key], args=[kind, _GENERATION_SECONDS]))

    def _entry(self, key: str) -> str:
        return f"{self._prefix}entry:{key}"

    def _tag(self, tag: str) -> str:
        return f"{self._prefix}tag:{tag}"

    def _lease(self, key: str) -> str:
        return f"{self._prefix}lease:{key}"

    def _counters(self, key: str, tags: Sequence[str]) -> list[str]:
        return [f"{self._prefix}generation:{name}" for name in (key, *tags)]


def _meta(envelope: Envelope) -> bytes:
    return orjson.dumps(
        [
            envelope.stored_at,
            envelope.stale_until,
            envelope.seconds,
            list(envelope.tags),
            envelope.absent,
            envelope.etag,
        ]
    )


def _decoded(fields: dict[bytes, bytes]) -> Envelope:
    stored_at, stale_until, seconds, tags, absent, etag = orjson.loads(fields[b"meta"])
    made = Envelope(
        body=fields[b"body"],
        stored_at=float(stored_at),
        fresh_until=float(fields[b"fresh_until"]),
        stale_until=float(stale_until),
        seconds=float(seconds),
        tags=tuple(tags),
        absent=bool(absent),
    )
    if made.etag != etag:
        raise ValueError("the body is not the one that was stored")
    return made
