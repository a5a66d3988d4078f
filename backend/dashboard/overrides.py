"""What administrators decided about features, known to every worker: kept in Redis, announced, applied by each.

The decision made last holds, by the clock of Redis: a worker's own may be wrong. All workers apply decisions in the
order in which Redis took them in, so two made at the same moment end in the same state everywhere. One that could not
be told at once is told with its age, and gives way to what was decided after it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import orjson

from backend.bus.wire import AwayError, Wire
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.degradation import GracefulDegradation

TOPIC = "override"
_KEEP_SECONDS = 365 * 86_400

# KEYS: decisions by feature. ARGV: channel, feature, decision, worker, its age in ms ('' where it is told at once),
# ms for which it holds ('' for good), seconds to keep. Times are milliseconds since the epoch
_DECIDE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local decision = cjson.decode(ARGV[3])
decision.at = now - (tonumber(ARGV[5]) or 0)
local known = redis.call('HGET', KEYS[1], ARGV[2])
local newest = known and cjson.decode(known).at
if newest and newest >= decision.at then
  if ARGV[5] ~= '' then return 0 end
  decision.at = newest + 1
end
if ARGV[6] ~= '' then decision['until'] = now + tonumber(ARGV[6]) end
redis.call('HSET', KEYS[1], ARGV[2], cjson.encode(decision))
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('PUBLISH', ARGV[1], cjson.encode({
  topic = 'override', by = ARGV[4], feature = ARGV[2], decision = decision, now = now,
}))
return 1
"""

_log = logging.getLogger("jupiter.data")


@dataclass(frozen=True, slots=True)
class _Owed:
    """A decision of this worker that Redis has not taken in; `since` by our steady clock, `until` by our other one."""

    decision: Mapping[str, Any]
    since: float
    until: datetime | None


class SharedOverrides:
    """Keeps the features of all workers as administrators decided.

    Args:
        wire: the line to the others.
        degradation: the features of this worker.
    """

    def __init__(self, wire: Wire, degradation: GracefulDegradation, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._wire = wire
        self._degradation = degradation
        self._clock = clock
        self._key = wire.key("decisions")
        self._decide = wire.client.register_script(_DECIDE)
        self._owed: dict[str, _Owed] = {}
        self._unheard: dict[str, str] = {}
        """Decisions made here of which Redis has not told us yet: what it tells before that is older."""
        self._in_force: dict[str, str] = {}
        self._latest: dict[str, int] = {}
        wire.on(TOPIC, self._heard)
        wire.on_up(self.catch_up)

    @contextmanager
    def decision(self, feature: str, reason: str, author: str) -> Iterator[None]:
        """Make a decision about a feature here, in the block, and tell the others; later, if Redis is away."""
        identity = uuid4().hex
        self._unheard[feature] = identity
        try:
            yield
        except BaseException:
            self._unheard.pop(feature, None)
            raise
        state = self._degradation.status()[feature]
        overridden = state["author"] is not None
        decision = {
            "id": identity,
            "enabled": state["enabled"] if overridden else None,  # None: no override, its failures decide
            "reason": reason,
            "author": author,
        }
        until = None if state["until"] is None else datetime.fromisoformat(state["until"])
        self._in_force[feature] = self._unheard[feature] = identity
        self._owed[feature] = _Owed(decision, self._clock.monotonic(), until)
        self._pay(feature, late=False)

    def catch_up(self) -> None:
        """Tell what could not be told, and apply what others decided meanwhile."""
        unheard = dict(self._unheard)
        for feature in list(self._owed):
            self._pay(feature, late=True)
        for feature, identity in unheard.items():
            if self._unheard.get(feature) == identity:
                del self._unheard[feature]  # told now, or before the line broke: Redis has it or something newer
        kept, now_ms = self._wire.ask(self._look)
        for name, decision in kept.items():
            self._apply(name.decode(), orjson.loads(decision), now_ms, late=True)

    def _look(self) -> tuple[Mapping[bytes, bytes], int]:
        pipeline = self._wire.client.pipeline(transaction=False)
        pipeline.hgetall(self._key)
        pipeline.time()
        pipeline.expire(self._key, _KEEP_SECONDS)
        kept, (seconds, microseconds), _ = pipeline.execute()
        return kept, seconds * 1000 + microseconds // 1000

    def _pay(self, feature: str, *, late: bool) -> None:
        owed = self._owed[feature]
        age = round((self._clock.monotonic() - owed.since) * 1000) if late else ""
        left = "" if owed.until is None else round((owed.until - self._clock.now()).total_seconds() * 1000)
        args: list[Any] = [self._wire.channel, feature, orjson.dumps(owed.decision), self._wire.worker]
        args += [age, left, _KEEP_SECONDS]
        try:
            self._wire.ask(partial(self._decide, keys=[self._key], args=args))
        except AwayError:
            return
        if self._owed.get(feature) is owed:
            del self._owed[feature]

    def _heard(self, message: Mapping[str, Any]) -> None:
        self._apply(message["feature"], message["decision"], message["now"])

    def _apply(self, feature: str, decision: Mapping[str, Any], now_ms: int, *, late: bool = False) -> None:
        if feature not in self._degradation.names() or decision["at"] <= self._latest.get(feature, 0):
            return
        if self._unheard.get(feature, decision["id"]) != decision["id"]:
            return  # ours came after it
        self._unheard.pop(feature, None)
        self._latest[feature] = decision["at"]
        if self._in_force.get(feature) == decision["id"]:
            return
        self._in_force[feature] = decision["id"]
        if self._follow(feature, decision, now_ms, late):
            state = "off" if decision["enabled"] is False else "on"
            _log.info("📡 Another worker was told by %s: %s %s", decision["author"], feature, state)

    def _follow(self, feature: str, decision: Mapping[str, Any], now_ms: int, late: bool) -> bool:
        reason, author, enabled = decision["reason"], decision["author"], decision["enabled"]
        left = None if "until" not in decision else (decision["until"] - now_ms) / 1000
        if enabled is not None and (left is None or left > 0):
            self._degradation.override_feature(feature, enabled, reason, author=author, seconds=left)
        elif not late or self._degradation.status()[feature]["author"] is not None:
            self._degradation.enable_feature(feature, reason, author=author)
        else:
            return False  # an old one says nothing about what the failures say today
        return True
