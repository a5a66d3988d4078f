"""The error of a call that was not made."""

from __future__ import annotations

import pybreaker

from backend.errors import CircuitBreakerOpenError
from backend.resilience.redaction import described


class CallRejectedError(CircuitBreakerOpenError, pybreaker.CircuitBreakerError):
    """What a breaker raises in place of a call. Jupiter's error, and pybreaker's for those who catch that one.

    Carries `name`, `state`, `retry_after` (seconds until a call is admitted again; None where nobody knows, because a
    person opened it) and `last_cause` (a copy of the error that opened it, without its traceback).
    """

    asked_to_wait = None
    details = None
    fallback_data = None
    message = CircuitBreakerOpenError.public_message

    def __init__(
        self,
        name: str = "",
        state: str = "open",
        retry_after: float | None = None,
        last_cause: BaseException | None = None,
    ) -> None:
        # The base is not called: rejecting is the hot path of an outage. What it would set stands on the class.
        self.name = name
        self.state = state
        self.retry_after = retry_after
        self.last_cause = last_cause

    def __str__(self) -> str:
        wait = "" if self.retry_after is None else f", next try in {self.retry_after:.1f} s"
        cause = f", last error: {described(self.last_cause)}" if self.last_cause else ""
        return f"circuit breaker {self.name or 'unnamed'} is {self.state}{wait}{cause}"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.state, self.retry_after, self.last_cause)


class FailedElsewhereError(Exception):
    """Why another process opened the circuit, in its words."""


def without_traceback(error: BaseException) -> BaseException:
    """Return a copy of `error` that keeps no frames alive: a breaker may hold it for hours."""
    kind = type(error)
    try:
        kept = kind.__new__(kind, *error.args)
        kept.args = error.args
        kept.__dict__.update(error.__dict__)
    except Exception:  # noqa: BLE001 - an error class with a constructor of its own kind must not break the trip
        kept = RuntimeError(described(error))
    return kept
