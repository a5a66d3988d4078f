"""The libraries under test behind one small face, each configured as well as it can be.

A subject that lacks what a case needs raises `Unsupported`: that is told apart from doing it wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from tests.unit.resilience.green import GreenTimeout

THRESHOLD = 3
TIMEOUT = 0.1
Func = Callable[[], Any]


class Unsupported(Exception):
    """The library has nothing for this."""


class Subject:
    """A breaker that opens after THRESHOLD failures in a row, for TIMEOUT seconds."""

    name = ""
    rejection: type[BaseException]
    streams = False
    """Whether it guards generators."""

    def __init__(
        self,
        *,
        ignore: Iterable[type[BaseException]] = (),
        timeout: float = TIMEOUT,
        rate: float | None = None,
        slow: float | None = None,
        growth: float = 1.0,
        listener: Callable[[str], object] | None = None,
        lease: float = 30.0,
    ) -> None:
        """Make it.

        Args:
            ignore: errors that are no failures.
            timeout: seconds that it stays open.
            rate: share of failures among the last ten calls that opens it, in place of failures in a row.
            slow: seconds from which a call is slow; all of the last ten being slow opens it.
            growth: factor by which each further break is longer.
            listener: called with the name of each new state.
            lease: seconds after which a probe that hangs loses its permit.
        """
        raise NotImplementedError

    def call(self, func: Func) -> Any:
        """Call `func` through the breaker."""
        raise NotImplementedError

    def block(self) -> AbstractContextManager[Any]:
        """Return a context manager that guards its block."""
        raise Unsupported

    def is_open(self) -> bool:
        """Tell whether a call made now would be rejected, without making it."""
        raise NotImplementedError

    def told(self, error: BaseException) -> tuple[Any, Any, Any]:
        """Return name, seconds until the next try and last cause, as the rejection tells them."""
        raise Unsupported

    def force_open(self) -> None:
        """Open it until somebody closes it."""
        raise Unsupported

    def disable(self) -> None:
        """Let every call through, whatever happens."""
        raise Unsupported

    def metrics_only(self) -> None:
        """Count, but never open."""
        raise Unsupported


def _refuse(**given: Any) -> None:
    if any(given.values()):
        raise Unsupported


class Kit(Subject):
    """This project's."""

    name = "this kit"
    streams = True

    def __init__(self, *, ignore=(), timeout=TIMEOUT, rate=None, slow=None, growth=1.0, listener=None, lease=30.0):
        from backend.resilience import CallRejectedError, CircuitBreaker, CountWindow, Listeners

        self.rejection = CallRejectedError
        listeners = Listeners()
        if listener:
            listeners.subscribe(lambda event: listener(event.new))
        window = CountWindow(10, rate or 1.0, slow_seconds=slow) if rate or slow else None
        self.breaker = CircuitBreaker(
            THRESHOLD, timeout, name="subject", ignore=ignore, window=window, growth=growth,
            listeners=listeners, probe_seconds=lease,
        )  # fmt: skip

    def call(self, func):
        return self.breaker.call(func)

    def block(self):
        return self.breaker

    def is_open(self):
        return self.breaker.is_rejecting

    def told(self, error):
        return error.name, error.retry_after, error.last_cause

    def force_open(self):
        self.breaker.force_open()

    def disable(self):
        self.breaker.disable()

    def metrics_only(self):
        self.breaker.metrics_only()


class Pybreaker(Subject):
    """The package pybreaker."""

    name = "pybreaker"
    streams = True

    def __init__(self, *, ignore=(), timeout=TIMEOUT, rate=None, slow=None, growth=1.0, listener=None, lease=30.0):
        import pybreaker

        _refuse(rate=rate, slow=slow, growth=growth != 1.0)
        self.rejection = pybreaker.CircuitBreakerError
        listeners = []
        if listener:

            class Heard(pybreaker.CircuitBreakerListener):
                def state_change(self, cb, old_state, new_state):
                    listener(new_state.name)

            listeners = [Heard()]
        self.breaker = pybreaker.CircuitBreaker(
            THRESHOLD, timeout, exclude=list(ignore), listeners=listeners, name="subject", throw_new_error_on_trip=False
        )

    def call(self, func):
        return self.breaker.call(func)

    def block(self):
        return self.breaker.calling()

    def is_open(self):
        return self.breaker.current_state == "open"

    def told(self, error):
        return None, None, None  # the rejection says no more than that

    def force_open(self):
        self.breaker.open()


class Circuitbreaker(Subject):
    """The package circuitbreaker."""

    name = "circuitbreaker"
    streams = True

    def __init__(self, *, ignore=(), timeout=TIMEOUT, rate=None, slow=None, growth=1.0, listener=None, lease=30.0):
        import circuitbreaker

        _refuse(rate=rate, slow=slow, growth=growth != 1.0, listener=listener)
        self.rejection = circuitbreaker.CircuitBreakerError
        ignored, failures = tuple(ignore), (Exception, GreenTimeout)
        self.breaker = circuitbreaker.CircuitBreaker(
            THRESHOLD, timeout, name="subject",
            expected_exception=lambda kind, _: issubclass(kind, failures) and not issubclass(kind, ignored),
        )  # fmt: skip

    def call(self, func):
        return self.breaker.decorate(func)()

    def block(self):
        return self.breaker

    def is_open(self):
        return self.breaker.opened

    def told(self, error):
        breaker = error._circuit_breaker
        return breaker.name, breaker.open_remaining, breaker.last_failure


class Aiobreaker(Subject):
    """The package aiobreaker."""

    name = "aiobreaker"
    streams = True

    def __init__(self, *, ignore=(), timeout=TIMEOUT, rate=None, slow=None, growth=1.0, listener=None, lease=30.0):
        import aiobreaker

        _refuse(rate=rate, slow=slow, growth=growth != 1.0)
        self.rejection = aiobreaker.CircuitBreakerError
        listeners = []
        if listener:

            class Heard(aiobreaker.CircuitBreakerListener):
                def state_change(self, breaker, old, new):
                    listener(new.state.name.lower())

            listeners = [Heard()]
        self.breaker = aiobreaker.CircuitBreaker(
            THRESHOLD, timedelta(seconds=timeout), exclude=list(ignore), listeners=listeners, name="subject"
        )

    def call(self, func):
        return self.breaker.call(func)

    def is_open(self):
        return self.breaker.current_state.name == "OPEN"

    def force_open(self):
        self.breaker.open()

    def told(self, error):
        return None, error.time_remaining.total_seconds(), None


class Purgatory(Subject):
    """The package purgatory."""

    name = "purgatory"

    def __init__(self, *, ignore=(), timeout=TIMEOUT, rate=None, slow=None, growth=1.0, listener=None, lease=30.0):
        from purgatory import SyncCircuitBreakerFactory
        from purgatory.domain.model import OpenedState

        _refuse(rate=rate, slow=slow, growth=growth != 1.0)
        self.rejection = OpenedState
        self.factory = SyncCircuitBreakerFactory(THRESHOLD, timeout, exclude=list(ignore))
        if listener:
            self.factory.add_listener(lambda _, kind, event: listener(event.state) if kind == "state_changed" else None)

    def call(self, func):
        with self.block():
            return func()

    def block(self):
        return self.factory.get_breaker("subject")

    def is_open(self):
        return self.block().context.state == "opened"

    def told(self, error):
        return error.circuit_name, None, None


class Interlock(Subject):
    """The package interlock-cb."""

    name = "interlock-cb"

    def __init__(self, *, ignore=(), timeout=TIMEOUT, rate=None, slow=None, growth=1.0, listener=None, lease=30.0):
        import interlock

        self.rejection = interlock.CircuitOpenError
        size = 10 if rate or slow else THRESHOLD
        ignored = tuple(ignore)

        class Classifier:
            def is_failure(self, *, result, exception):
                return exception is not None and not isinstance(exception, ignored)

        class Heard(interlock.EventListener):
            def on_state_change(self, *, name, old, new):
                if listener:
                    listener(str(new))

        config = interlock.Config(
            failure_rate_threshold=rate or 1.0,
            minimum_number_of_calls=size,
            window_size=size,
            permitted_calls_in_half_open=1,
            wait_duration_in_open=timeout,
            wait_duration_backoff_multiplier=growth,
            **({"slow_call_duration_threshold": slow} if slow else {}),
        )
        self.breaker = interlock.CircuitBreaker(
            name="subject",
            config=config,
            classifier=Classifier(),
            listener=Heard() if listener else None,
            unreachable_exceptions=ignored,
        )

    def call(self, func):
        return self.breaker.call(func)

    def block(self):
        return self.breaker

    def is_open(self):
        return self.breaker.state.name in ("OPEN", "FORCED_OPEN")

    def told(self, error):
        return error.breaker_name, error.retry_after, error.last_failure

    def force_open(self):
        self.breaker.force_open()

    def disable(self):
        self.breaker.disable()

    def metrics_only(self):
        self.breaker.metrics_only()


SUBJECTS: tuple[type[Subject], ...] = (Kit, Pybreaker, Circuitbreaker, Aiobreaker, Purgatory, Interlock)
