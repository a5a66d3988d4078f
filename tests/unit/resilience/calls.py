"""Calls that end as wanted, for breakers and guards."""

import contextlib

from backend.errors import CircuitBreakerOpenError, NetworkError


class Down(Exception):
    """The dependency failed."""


def fine():
    return "fine"


def down():
    raise Down("down")


def network_down():
    raise NetworkError("connection refused")


def fail(breaker, times=1, func=down):
    """Make `times` failing calls, rejected ones included."""
    for _ in range(times):
        with contextlib.suppress(Down, NetworkError, CircuitBreakerOpenError):
            breaker.call(func)


def raising(error):
    """Return a function that raises `error`, whatever it is given."""

    def func(*_, **__):
        raise error

    return func
