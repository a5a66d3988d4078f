"""Error aggregation: what failed, how often, where, over a sliding window."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import ErrorRecorded, Listeners
from backend.resilience.locks import RLock
from backend.resilience.redaction import redact, redact_text


class ErrorAggregator:
    """Counts errors by type over the last `window_minutes`.

    Args:
        window_minutes: how far back it looks.
        max_records: how many are kept with message and context.
        clock: asked for the time.
    """

    def __init__(self, window_minutes: float = 60, *, max_records: int = 1000, clock: Clock = SYSTEM_CLOCK) -> None:
        self.window_minutes = window_minutes
        self.listeners = Listeners()
        self._clock = clock
        self._lock = RLock()
        self._records: deque[tuple[float, datetime, str, str, Any]] = deque(maxlen=max_records)

    def record_error(self, type: str, message: str, context: Mapping[str, Any] | None = None) -> None:
        """Take in one error. Secrets and personal data are taken out before it is kept."""
        at = self._clock.now()
        kept = redact_text(str(message))
        details = redact(dict(context or {}))
        with self._lock:
            self._records.append((self._clock.monotonic(), at, type, kept, details))
        self.listeners.notify(ErrorRecorded(type, kept, at, context=details))

    def get_error_stats(self) -> dict[str, Any]:
        """Return total_errors, errors_by_type, window_minutes and error_rate (errors per minute over the window)."""
        since = self._clock.monotonic() - self.window_minutes * 60
        with self._lock:
            kinds = Counter(kind for at, _, kind, _, _ in self._records if at > since)
        total = kinds.total()
        return {
            "total_errors": total,
            "errors_by_type": dict(kinds.most_common()),
            "window_minutes": self.window_minutes,
            "error_rate": round(total / self.window_minutes, 3),
        }

    def get_recent_errors(self, limit: int = 10) -> list[dict[str, Any]]:
        """Return the newest errors first: timestamp (ISO 8601), type, message, context."""
        since = self._clock.monotonic() - self.window_minutes * 60
        with self._lock:
            newest = [record for record in reversed(self._records) if record[0] > since][: max(0, limit)]
        return [
            {"timestamp": at.isoformat(), "type": kind, "message": message, "context": context}
            for _, at, kind, message, context in newest
        ]


error_aggregator = ErrorAggregator()
