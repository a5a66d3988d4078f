"""The circuit breaker, first and plain form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pybreaker

from backend import runtime
from backend.errors import CircuitBreakerOpenError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import BreakerChanged, Listeners
from backend.resilience.locks import RLock


class RejectedError(CircuitBreakerOpenError, pybreaker.CircuitBreakerError):
    """What an open breaker raises: Jupiter's error, and pybreaker's for those who catch that one."""


class CircuitBreaker(pybreaker.CircuitBreaker):
    """Stops calling what keeps failing."""

    def __init__(
        self,
        failure_threshold: int = 5,
        timeout: float = 60,
        *,
        name: str = "",
        feature: str = "",
        clock: Clock = SYSTEM_CLOCK,
        listeners: Listeners | None = None,
        probe_seconds: float = 30.0,
    ) -> None:
        super().__init__(fail_max=failure_threshold, reset_timeout=timeout, name=name, throw_new_error_on_trip=False)
        self.feature = feature
        self.events = listeners or Listeners()
        self._clock = clock
        self._guard = RLock()
        self._failures = 0
        self._now_state = "closed"
        self._generation = 0
        self._until = 0.0
        self._lease_until = 0.0
        self._probe_seconds = probe_seconds
        self._cause: BaseException | None = None

    @property  # type: ignore[misc]
    def state(self) -> str:  # type: ignore[override]
        """Return closed, open or half_open."""
        return self._now_state

    @property
    def failure_count(self) -> int:
        """Return the failures in a row."""
        return self._failures

    @property
    def retry_after(self) -> float | None:
        """Return the seconds until a call is admitted again, None where one is already."""
        if self._now_state != "open":
            return None
        return max(0.0, self._until - self._clock.monotonic())

    def call(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `func` unless the circuit is open."""
        generation = self._admit()
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            self._failed(error, generation)
            raise
        self._succeeded(generation)
        return result

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:  # type: ignore[override]
        @functools.wraps(func)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            return self.call(func, *args, **kwargs)

        return guarded

    def reset(self) -> None:
        """Close it and forget the failures."""
        self._change("closed", "reset")

    def _admit(self) -> int:
        if self._now_state == "closed":
            return self._generation
        with self._guard:
            now = self._clock.monotonic()
            due = now >= self._until if self._now_state == "open" else now >= self._lease_until
            if not due:
                left = self.retry_after if self._now_state == "open" else self._lease_until - now
                raise RejectedError(
                    name=self.name or "", state=self._now_state, retry_after=left, last_cause=self._cause
                )
            self._lease_until = now + self._probe_seconds
        self._change("half_open", "time to try again")
        return self._generation

    def _failed(self, error: BaseException, generation: int) -> None:
        if generation != self._generation:
            return
        if runtime.is_cancellation(error) or not getattr(error, "counts_as_failure", True):
            self._lease_until = 0.0
            return
        self._failures += 1
        self._cause = error
        if self._now_state == "half_open" or self._failures >= self.fail_max:
            self._until = self._clock.monotonic() + self.reset_timeout
            self._change("open", str(error))

    def _succeeded(self, generation: int) -> None:
        if generation != self._generation:
            return
        self._failures = 0
        if self._now_state == "half_open":
            self._change("closed", "the probe succeeded")

    def _change(self, new: str, reason: str) -> None:
        old, self._now_state = self._now_state, new
        self._generation += 1
        if new == "closed":
            self._failures, self._cause = 0, None
        if old != new:
            self.events.notify(
                BreakerChanged(self.name or "", self.feature, old, new, self._clock.now(), reason, self.retry_after)
            )
