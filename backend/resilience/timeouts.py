"""Timeouts as a decorator, true on eventlet, gevent and threads."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from backend import runtime
from backend.errors import DashboardError, DeadlineExceededError
from backend.resilience.clock import SYSTEM_CLOCK
from backend.resilience.deadline import deadline, earliest

P = ParamSpec("P")
T = TypeVar("T")


def with_timeout(seconds: float) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function so that its caller waits at most `seconds` for it.

    What it calls finds the same limit in `current_deadline()`; a deadline in force that is earlier goes first. On
    eventlet and gevent the function is interrupted where it waits. In threading mode it goes on in the background and
    its result is dropped, so let it ask its deadline.

    Raises (when called):
        DeadlineExceededError: the time ran out. It is a TimeoutError too.
    """

    def decorate(func: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(func)
        def limited(*args: P.args, **kwargs: P.kwargs) -> T:
            with deadline(earliest(seconds, SYSTEM_CLOCK)) as limit:
                left = seconds if limit is None else limit.remaining()
                try:
                    return runtime.call_with_timeout(left, func, *args, **kwargs)
                except TimeoutError as error:
                    if isinstance(error, DashboardError):
                        raise
                    name = getattr(func, "__qualname__", "the call")
                    raise DeadlineExceededError(f"{name} did not finish within {left:.3g} s") from error

        return limited

    return decorate
