"""Retry with exponential backoff.

The waits come from python-backoff's public generators and jitters. The loop is our own, because backoff waits with
`time.sleep` itself and knows neither a deadline nor a retry budget nor a clock that is given to it.
"""

from __future__ import annotations

import functools
import random as _random
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import backoff

from backend import runtime
from backend.errors import CircuitBreakerOpenError, DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import current_deadline

P = ParamSpec("P")
T = TypeVar("T")


def is_retryable(error: BaseException, exceptions: tuple[type[BaseException], ...]) -> bool:
    """Tell whether another attempt could help."""
    if isinstance(error, CircuitBreakerOpenError) or runtime.is_cancellation(error):
        return False
    if isinstance(error, DashboardError):
        return error.retryable and isinstance(error, exceptions)
    return isinstance(error, exceptions) or runtime.is_timeout(error)


def call_with_retry(
    func: Callable[[], T],
    *,
    max_attempts: int = 3,
    initial_delay: float = 1.0,
    backoff_factor: float = 2.0,
    max_delay: float = 60.0,
    exceptions: tuple[type[BaseException], ...] = (Exception,),
    jitter: Callable[[float], float] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> T:
    """Call `func` until it succeeds, at most `max_attempts` times; raises its last error."""
    waits = backoff.expo(base=backoff_factor, factor=initial_delay, max_value=max_delay)
    next(waits)
    for attempt in range(1, max_attempts + 1):
        try:
            return func()
        except BaseException as error:
            if attempt == max_attempts or not is_retryable(error, exceptions):
                raise
            wait = next(waits)
            wait = (jitter or _equal)(wait)
            asked = getattr(error, "retry_after", None)
            if isinstance(asked, int | float) and getattr(error, "upstream_status", None) in (429, 503):
                wait = max(wait, asked)
            limit = current_deadline()
            if limit is not None and limit.remaining() <= wait:
                raise
        clock.sleep(wait)
    raise AssertionError("unreachable")


def _equal(value: float) -> float:
    return value / 2 + _random.uniform(0, value / 2)  # noqa: S311 - spreads load, guards nothing


def retry_with_backoff(
    max_attempts: int = 3,
    initial_delay: float = 1.0,
    backoff_factor: float = 2.0,
    max_delay: float = 60.0,
    exceptions: tuple[type[BaseException], ...] = (Exception,),
    **options: Any,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function so that it is tried again when it fails."""

    def decorate(func: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(func)
        def retrying(*args: P.args, **kwargs: P.kwargs) -> T:
            return call_with_retry(
                lambda: func(*args, **kwargs),
                max_attempts=max_attempts,
                initial_delay=initial_delay,
                backoff_factor=backoff_factor,
                max_delay=max_delay,
                exceptions=exceptions,
                **options,
            )

        return retrying

    return decorate
