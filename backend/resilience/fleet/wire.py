"""A breaker's record on its way to the server and back. Instants travel as ages, so that no worker's clock matters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from backend.resilience.breaker_storage import BreakerRecord
from backend.resilience.clock import Clock
from backend.resilience.redaction import redact_text

Json = dict[str, Any]
_MOST_REASON = 200


@dataclass(slots=True, eq=False)
class Move:
    """A state that this worker has decided on, or stands by.

    `decision` is the same for everybody who follows it, whatever number it goes by. `since` is when it was made, in
    monotonic time; `fences` are the permits that it rests on.
    """

    record: BreakerRecord
    decision: str
    since: float
    fences: list[int] = field(default_factory=list)

    def told(self, clock: Clock) -> Json:
        """Return it for the server."""
        record = self.record
        left = None if record.until is None else _ms((record.until - clock.now()).total_seconds())
        fields = {
            "state": record.state,
            "generation": record.generation,
            "decision": self.decision,
            "age": max(0, _ms(clock.monotonic() - self.since)),
            "open_ms": _ms(record.open_seconds),
            "level": record.level,
            "failures": record.failures,
            "reason": redact_text(record.reason, _MOST_REASON),
            "author": record.author,
            "until_in": left,
            "manual": record.manual or None,
        }
        return {name: value for name, value in fields.items() if value is not None}


def heard(wire: Json, server_ms: float, clock: Clock) -> Move:
    """Return what the server tells, in our own time.

    Args:
        server_ms: the server's time now.
    """
    now, monotonic = clock.now(), clock.monotonic()
    age = max(0.0, (server_ms - wire["changed_at"]) / 1000)
    until = wire.get("until")
    record = BreakerRecord(
        state=wire["state"],
        generation=int(wire["generation"]),
        changed_at=now - timedelta(seconds=age),
        open_seconds=wire["open_ms"] / 1000,
        level=int(wire["level"]),
        failures=int(wire["failures"]),
        reason=wire["reason"],
        author=wire.get("author"),
        until=None if until is None else now + timedelta(milliseconds=until - server_ms),
    )
    return Move(record, wire["decision"], monotonic - age)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
