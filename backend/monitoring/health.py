"""Health: what each part says of itself, within a time limit, and what that makes of the whole."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from backend import runtime
from backend.resilience.clock import SYSTEM_CLOCK, Clock

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
NOT_CONFIGURED = "not_configured"

Check = Callable[[], Mapping[str, Any]]

logger = logging.getLogger("jupiter.status")


class Health:
    """Runs checks.

    Args:
        checks: name -> function that returns {status, message?}; status is healthy, degraded, unhealthy or
            not_configured (which says nothing against the whole).
        essential: checks without which the whole is unhealthy; any other that fails makes it degraded.
        timeout: seconds given to each check.
        ttl: seconds for which a report is reused, so that many askers cost one round of checks.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        essential: frozenset[str] = frozenset(("database",)),
        timeout: float = 2.0,
        ttl: float = 1.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._checks = dict(checks)
        self._essential = essential
        self._timeout = timeout
        self._ttl = ttl
        self._clock = clock
        self._last: tuple[float, dict[str, Any]] | None = None
        self._running = threading.Lock()

    def report(self) -> dict[str, Any]:
        """Return {service, status, timestamp, checks}; a check that fails or hangs is unhealthy, never an error."""
        with self._running:  # who comes meanwhile takes the same round: with a hung database each would cost 2 s
            if self._last is not None and self._clock.monotonic() - self._last[0] < self._ttl:
                return self._last[1]
            return self._round()

    def _round(self) -> dict[str, Any]:
        checks = {name: self._run(name, check) for name, check in self._checks.items()}
        report = {
            "service": "dashboard",
            "status": self._whole(checks),
            "timestamp": self._clock.now().isoformat(),
            "checks": checks,
        }
        self._last = (self._clock.monotonic(), report)
        return report

    def last(self) -> dict[str, Any]:
        """Return the newest report without running anything, unless there is none yet."""
        return self._last[1] if self._last is not None else self.report()

    def _run(self, name: str, check: Check) -> dict[str, Any]:
        began = self._clock.monotonic()
        try:
            outcome = dict(runtime.call_with_timeout(self._timeout, check))
        except TimeoutError:
            outcome = {"status": UNHEALTHY, "message": f"no answer within {self._timeout:g} s"}
        except Exception:  # a broken check must not take the report with it
            logger.exception("❌ Health check %s failed", name)
            outcome = {"status": UNHEALTHY, "message": "the check itself failed; see the log"}
        outcome.setdefault("response_time", round(self._clock.monotonic() - began, 6))
        return outcome

    def _whole(self, checks: Mapping[str, Mapping[str, Any]]) -> str:
        bad = {name for name, check in checks.items() if check["status"] not in (HEALTHY, NOT_CONFIGURED)}
        if any(checks[name]["status"] == UNHEALTHY for name in bad & self._essential):
            return UNHEALTHY
        return DEGRADED if bad else HEALTHY
