"""An operation that is tried again, under a breaker of its own."""

from __future__ import annotations

import random as _random
from collections.abc import Callable
from typing import Any, TypeVar

from backend.errors import DatabaseError, NetworkError
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.jitter import Jitter, Random
from backend.resilience.retry import Errors, RetryPolicy, call_with_retry

T = TypeVar("T")

TRANSIENT: Errors = (DatabaseError, NetworkError, ConnectionError, TimeoutError)
"""Errors that may be gone at the next attempt."""


class RetryableOperation:
    """Executes operations with retries and a circuit breaker.

    Make one per dependency and keep it: one per request would have a new breaker each time, which never opens.

    Args:
        max_retries: attempts after the first.
        base_delay: before the second attempt, in seconds; it doubles.
        max_delay: the longest wait, in seconds.
        circuit_breaker: to share one; a new one with 5 failures and 60 s otherwise.
        exceptions: errors worth another attempt; all others are raised at once.
        jitter: none, full, equal or decorrelated.
        clock, random: where time and chance come from.
    """

    def __init__(
        self,
        max_retries: int = 3,
        base_delay: float = 1.0,
        max_delay: float = 30.0,
        *,
        circuit_breaker: CircuitBreaker | None = None,
        exceptions: Errors = TRANSIENT,
        jitter: Jitter = "none",
        clock: Clock = SYSTEM_CLOCK,
        random: Random = _random.random,
    ) -> None:
        self.max_retries = max_retries
        self.base_delay = base_delay
        self.max_delay = max_delay
        self.circuit_breaker = circuit_breaker if circuit_breaker is not None else CircuitBreaker(clock=clock)
        self._policy = RetryPolicy(max_retries + 1, base_delay, 2.0, max_delay, exceptions, jitter)
        self._clock = clock
        self._random = random

    def execute(self, operation: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call `operation` until it succeeds.

        Raises:
            CircuitBreakerOpenError: it has been failing; no attempt was made.
            BaseException: its last error, once the retries are used up or the breaker has opened.
        """
        breaker = self.circuit_breaker

        def attempt() -> T:
            return breaker.call(operation, *args, **kwargs)  # type: ignore[no-any-return]

        return call_with_retry(
            attempt,
            self._policy,
            clock=self._clock,
            random=self._random,
            may_retry=lambda: not breaker.is_rejecting,
        )
