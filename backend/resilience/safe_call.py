"""Calls that never raise: retries, then a fallback."""

from __future__ import annotations

import functools
import logging
import random as _random
import re
from collections.abc import Callable
from typing import Any, ParamSpec

from backend import runtime
from backend.resilience.aggregator import ErrorAggregator, error_aggregator
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.fallback import resolve
from backend.resilience.jitter import Random
from backend.resilience.outcome import is_fault
from backend.resilience.redaction import described, redact_text
from backend.resilience.retry import RetryPolicy, call_with_retry

P = ParamSpec("P")

_log = logging.getLogger("jupiter.resilience")


def safe_api_call(
    func: Callable[[], Any],
    fallback: Any = None,
    max_retries: int = 3,
    log_name: str = "API call",
    *,
    initial_delay: float = 1.0,
    max_delay: float = 30.0,
    clock: Clock = SYSTEM_CLOCK,
    random: Random = _random.random,
    aggregator: ErrorAggregator = error_aggregator,
) -> Any:
    """Call `func`, try it again when it fails, and give the fallback in the end.

    A failure is logged once and counted under `<log name>_failure`, e.g. `grok_chat_failure` for "Grok Chat". A
    cancelled greenlet is not a failure: that goes on to whoever cancelled it.

    Args:
        func: takes no arguments.
        fallback: a value, or a function without arguments that makes one.
        max_retries: attempts after the first.
        log_name: what is called, for people.
        initial_delay, max_delay: the waits between the attempts, in seconds; they double, with full jitter.
        clock, random: where time and chance come from.
        aggregator: counts the failure.
    """
    policy = RetryPolicy(max_retries + 1, initial_delay, max_delay=max_delay, jitter="full")
    try:
        return call_with_retry(func, policy, clock=clock, random=random)
    except BaseException as error:
        if not is_fault(error):
            raise
        text = redact_text(described(error), 500)
        _log.warning("%s failed, giving its fallback: %s", log_name, text)
        aggregator.record_error(_type_of(log_name), text)
    return resolve(fallback)


def with_fallback(
    fallback: Any = None, exceptions: tuple[type[BaseException], ...] = (Exception,)
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Decorate a function so that it gives `fallback` when it fails.

    Args:
        fallback: a value, or a function; it gets the arguments of the call if it takes them.
        exceptions: errors that it stands in for. With Exception among them, also for timers of eventlet and gevent.
    """

    def decorate(func: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(func)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                return func(*args, **kwargs)
            except BaseException as error:
                known = isinstance(error, exceptions) or (
                    runtime.is_timeout(error) and issubclass(Exception, exceptions)
                )
                if not known or not is_fault(error):
                    raise
                name = getattr(func, "__qualname__", "a call")
                _log.warning("%s failed with %s, giving its fallback", name, type(error).__name__)
            return resolve(fallback, args, kwargs)

        return guarded

    return decorate


def _type_of(log_name: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", log_name.lower()).strip("_") or "api_call"
    return f"{words}_failure"
