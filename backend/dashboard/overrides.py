"""What administrators decided about features, known to every worker: kept in Redis, announced, applied by each.

The decision made last holds. All workers, also the one it was made in, apply decisions in the order in which Redis took
them in, so two made at the same moment end in the same state everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from backend.bus.wire import AwayError, Wire
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.degradation import GracefulDegradation

TOPIC = "override"
_KEEP_SECONDS = 30 * 86_400

# KEYS: decisions by feature. ARGV: channel, feature, decision, message, seconds to keep
_DECIDE = """
local known = redis.call('HGET', KEYS[1], ARGV[2])
if known and cjson.decode(known)['at'] >= cjson.decode(ARGV[3])['at'] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', ARGV[1], ARGV[4])
return 1
"""

_log = logging.getLogger("jupiter.data")


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
        self._key = wire.key("overrides")
        self._decide = wire.client.register_script(_DECIDE)
        self._owed: dict[str, dict[str, Any]] = {}
        self._latest: dict[str, str] = {}
        wire.on(TOPIC, self._heard)
        wire.on_up(self.catch_up)

    def told(self, feature: str, reason: str, author: str) -> None:
        """Tell the others what was just decided here about a feature; later, if Redis is away."""
        state = self._degradation.status()[feature]
        overridden = state["author"] is not None
        decision = {
            "at": self._clock.now().isoformat(),
            "enabled": state["enabled"] if overridden else None,  # None: no override, its failures decide
            "reason": reason,
            "author": author,
            "until": state["until"],
        }
        self._latest[feature] = decision["at"]
        self._owed[feature] = decision
        self._pay()

    def catch_up(self) -> None:
        """Tell what could not be told, and apply what others decided meanwhile."""
        self._pay()
        kept: Any = self._wire.ask(lambda: self._wire.client.hgetall(self._key))
        for feature, decision in kept.items():
            self._apply(feature.decode(), orjson.loads(decision), late=True)

    def _pay(self) -> None:
        for feature, decision in list(self._owed.items()):
            message = {"topic": TOPIC, "by": self._wire.worker, "feature": feature, "decision": decision}
            args: list[Any] = [
                self._wire.channel,
                feature,
                orjson.dumps(decision),
                orjson.dumps(message),
                _KEEP_SECONDS,
            ]
            try:
                self._wire.ask(partial(self._decide, keys=[self._key], args=args))
            except AwayError:
                return
            if self._owed.get(feature) is decision:
                del self._owed[feature]

    def _heard(self, message: Mapping[str, Any]) -> None:
        self._apply(message["feature"], message["decision"])

    def _apply(self, feature: str, decision: Mapping[str, Any], *, late: bool = False) -> None:
        if feature not in self._degradation.names() or decision["at"] <= self._latest.get(feature, ""):
            return
        self._latest[feature] = decision["at"]
        reason, author, enabled = decision["reason"], decision["author"], decision["enabled"]
        left = self._left(decision["until"])
        overridden = self._degradation.status()[feature]["author"] is not None
        if enabled is not None and (left is None or left > 0):
            self._degradation.override_feature(feature, enabled, reason, author=author, seconds=left)
        elif overridden or not late:  # an old one says nothing about what the failures say today
            self._degradation.enable_feature(feature, reason, author=author)
        else:
            return
        _log.info("📡 Another worker was told by %s: %s %s", author, feature, "on" if enabled is not False else "off")

    def _left(self, until: str | None) -> float | None:
        return None if until is None else (datetime.fromisoformat(until) - self._clock.now()).total_seconds()
