"""How many errors of which type each endpoint has answered with, since the start."""

from __future__ import annotations

from collections import Counter
from typing import Any

from backend.resilience.locks import RLock

OTHER = "other"


class ErrorMetrics:
    """Counts by endpoint and error type.

    Args:
        most: distinct pairs that are told apart; what comes after them counts as `other`, so that addresses made up
            by a client cannot fill the memory.
    """

    def __init__(self, most: int = 1000) -> None:
        self._most = most
        self._lock = RLock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def increment(self, endpoint: str | None, error_type: str) -> None:
        """Count one error."""
        key = (endpoint or "unknown", error_type)
        with self._lock:
            if key not in self._counts and len(self._counts) >= self._most:
                key = (OTHER, OTHER)
            self._counts[key] += 1

    def count(self, endpoint: str | None = None, error_type: str | None = None) -> int:
        """Return the errors of an endpoint, of a type, of both, or all."""
        return sum(
            number
            for (place, kind), number in self._items()
            if endpoint in (None, place) and error_type in (None, kind)
        )

    def by_endpoint(self) -> dict[str, dict[str, int]]:
        """Return endpoint -> error type -> number."""
        shown: dict[str, dict[str, int]] = {}
        for (place, kind), number in self._items():
            shown.setdefault(place, {})[kind] = number
        return shown

    def by_type(self) -> dict[str, int]:
        """Return error type -> number."""
        shown: Counter[str] = Counter()
        for (_, kind), number in self._items():
            shown[kind] += number
        return dict(shown)

    def snapshot(self) -> dict[str, Any]:
        """Return total, by_endpoint and by_type."""
        return {"total": self.count(), "by_endpoint": self.by_endpoint(), "by_type": self.by_type()}

    def _items(self) -> list[tuple[tuple[str, str], int]]:
        with self._lock:
            return list(self._counts.items())
