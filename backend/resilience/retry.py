"""Retry with exponential backoff.

The waits come from python-backoff's public generators and jitters. The loop is our own, because backoff waits with
`time.sleep` itself and knows neither a deadline nor a retry budget nor a clock that is given to it; it would also
retry an open circuit, and miss the timers that eventlet and gevent derive from BaseException.
"""

from __future__ import annotations

import functools
import random as _random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import pybreaker

from backend import runtime
from backend.errors import CircuitBreakerOpenError, DashboardError
from backend.resilience.budget import RetryBudget
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import current_deadline
from backend.resilience.jitter import JITTERS, Jitter, Random, waits
from backend.resilience.retry_after import asked_wait

P = ParamSpec("P")
T = TypeVar("T")
Errors = tuple[type[BaseException], ...]

_ASKED_MARGIN = 0.05
"""A wait that was asked for is spread by at most this share, upwards: never early, and not all at the same moment."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and how often to try again; times in seconds.

    Args:
        max_attempts: in all, the first one included.
        initial_delay: before the second attempt.
        backoff_factor: by which each wait is longer than the one before.
        max_delay: the longest wait. Where the other side asks for more, there is no further attempt.
        exceptions: errors worth another attempt.
        jitter: none, full, equal or decorrelated.

    Raises:
        ValueError: a number that makes no sense.
    """

    max_attempts: int = 3
    initial_delay: float = 1.0
    backoff_factor: float = 2.0
    max_delay: float = 60.0
    exceptions: Errors = (Exception,)
    jitter: Jitter = "none"

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, not {self.max_attempts}")
        if self.initial_delay < 0 or self.max_delay < 0 or self.backoff_factor < 1:
            raise ValueError("delays must not be negative and backoff_factor not below 1")
        if self.jitter not in JITTERS:
            raise ValueError(f"jitter must be one of {', '.join(JITTERS)}, not {self.jitter!r}")

    def waits(self, random: Random) -> Iterator[float]:
        """Return the waits between the attempts."""
        return waits(self.initial_delay, self.backoff_factor, self.max_delay, self.jitter, random)


QUICK = RetryPolicy(3, 0.5, 1.5)
STANDARD = RetryPolicy(3, 1.0, 2.0)
PATIENT = RetryPolicy(5, 2.0, 2.0, 30.0)


def is_retryable(error: BaseException, exceptions: Errors = (Exception,)) -> bool:
    """Tell whether another attempt could help.

    Not with an open circuit, a cancelled greenlet, a `DashboardError` that says so itself, or a timer that somebody
    further out has set: it has stopped us as well.
    """
    if isinstance(error, CircuitBreakerOpenError | pybreaker.CircuitBreakerError) or runtime.is_cancellation(error):
        return False
    if runtime.is_callers_timer(error):
        return False
    if isinstance(error, DashboardError) and not error.retryable:
        return False
    if isinstance(error, exceptions):
        return True
    return runtime.is_timeout(error) and issubclass(TimeoutError, exceptions)


def call_with_retry(
    func: Callable[[], T],
    policy: RetryPolicy = STANDARD,
    *,
    clock: Clock = SYSTEM_CLOCK,
    random: Random = _random.random,
    budget: RetryBudget | None = None,
    may_retry: Callable[[], bool] | None = None,
    on_retry: Callable[[int, float, BaseException], None] | None = None,
) -> T:
    """Call `func` until it succeeds or nothing speaks for another attempt; then its last error is raised.

    The deadline in force is kept: no wait is begun that would end after it.

    Args:
        func: takes no arguments.
        policy: how often and after which waits.
        clock, random: where time and chance come from.
        budget: asked before each retry.
        may_retry: asked before each wait; a breaker that opened meanwhile says no.
        on_retry: told of each planned retry: number of the attempt that failed, wait in seconds, its error.
    """
    planned: Iterator[float] | None = None
    attempt = 1
    while True:
        try:
            return func()
        except BaseException as error:
            if attempt >= policy.max_attempts or not is_retryable(error, policy.exceptions):
                raise
            planned = planned or policy.waits(random)
            wait = _wait(error, next(planned), policy, clock, random)
            if wait is None or (may_retry and not may_retry()) or (budget and not budget.try_spend()):
                raise
            if on_retry:
                on_retry(attempt, wait, error)
        clock.sleep(wait)  # outside the block above, so that the failed attempt's frames are not kept alive
        attempt += 1


def _wait(error: BaseException, planned: float, policy: RetryPolicy, clock: Clock, random: Random) -> float | None:
    """The wait before the next attempt, None where there is no time for it."""
    wait = planned
    asked = asked_wait(error, clock.now())
    if asked:  # one of 0 asks for nothing
        if asked > policy.max_delay:
            return None
        wait = asked * (1 + _ASKED_MARGIN * random())
    limit = current_deadline()
    return wait if limit is None or wait < limit.remaining() else None


def retry_with_backoff(
    max_attempts: int = 3,
    initial_delay: float = 1.0,
    backoff_factor: float = 2.0,
    max_delay: float = 60.0,
    exceptions: Errors = (Exception,),
    *,
    jitter: Jitter = "none",
    budget: RetryBudget | None = None,
    clock: Clock = SYSTEM_CLOCK,
    random: Random = _random.random,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function so that it is tried again when it fails.

    Without jitter the waits are what the arguments say. Where many processes call one service, take `jitter="full"`.

    Args:
        max_attempts: in all, the first one included.
        initial_delay: before the second attempt, in seconds.
        backoff_factor: by which each wait is longer than the one before.
        max_delay: the longest wait, in seconds.
        exceptions: errors worth another attempt.
        jitter: none, full, equal or decorrelated.
        budget: shared by all that call the same service.
        clock, random: where time and chance come from.

    Raises:
        ValueError: a number that makes no sense.
    """
    policy = RetryPolicy(max_attempts, initial_delay, backoff_factor, max_delay, exceptions, jitter)

    def decorate(func: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(func)
        def retrying(*args: P.args, **kwargs: P.kwargs) -> T:
            if budget:
                budget.note_call()
            return call_with_retry(lambda: func(*args, **kwargs), policy, clock=clock, random=random, budget=budget)

        return retrying

    return decorate
