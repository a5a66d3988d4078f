"""System status: features, errors and health in one payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from backend.resilience.clock import SYSTEM_CLOCK, Clock


class ErrorStatistics(Protocol):
    """The part of the error aggregator that is shown."""

    def get_error_stats(self) -> dict[str, Any]:
        """Return total_errors, errors_by_type, window_minutes, error_rate."""

    def get_recent_errors(self, limit: int = 10) -> list[dict[str, Any]]:
        """Return the newest errors first."""

    def get_series(self) -> list[dict[str, Any]]:
        """Return the errors over time, oldest first: {at, count}."""


class HealthReports(Protocol):
    """The part of the health checks that is shown."""

    def report(self) -> dict[str, Any]:
        """Run the checks and return service, status, timestamp, checks."""

    def last(self) -> dict[str, Any]:
        """Return the newest report."""


class StatusService:
    """Tells what works.

    Args:
        features: returns each feature's state.
        errors: the error aggregator.
        health: the health checks.
    """

    def __init__(
        self,
        features: Callable[[], Mapping[str, Any]],
        errors: ErrorStatistics,
        health: HealthReports,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._features = features
        self._errors = errors
        self._health = health
        self._clock = clock

    def status(self, *, fresh: bool = False) -> dict[str, Any]:
        """Return the payload of status_update.

        Args:
            fresh: run the health checks now instead of taking their newest report.
        """
        report = self._health.report() if fresh else self._health.last()
        stats = self._errors.get_error_stats()
        return {
            "features": self.features(),
            "errors": {name: stats[name] for name in ("total_errors", "errors_by_type", "error_rate")},
            "timestamp": self._clock.now().isoformat(),
            "health": report["status"],
            "checks": report["checks"],
        }

    def features(self) -> dict[str, Any]:
        """Return each feature's state by its name."""
        return dict(self._features())

    def health(self) -> dict[str, Any]:
        """Run the health checks and return their report."""
        return self._health.report()

    def error_stats(self) -> dict[str, Any]:
        """Return the error statistics of the window, with its course in `series`."""
        return {**self._errors.get_error_stats(), "series": self._errors.get_series()}

    def recent_errors(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest errors first, at most `limit`."""
        return self._errors.get_recent_errors(limit)
