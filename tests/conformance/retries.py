"""What must hold of retries, for this kit and for python-backoff: subjects and cases, as in `subjects` and `cases`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pybreaker

from tests.conformance.cases import Down
from tests.conformance.shared_cases import an_hour_fast
from tests.conformance.subjects import Unsupported
from tests.unit.resilience.green import Cancelled, GreenTimeout

Func = Callable[[], Any]
CASES: list[Callable[[type[Retries]], None]] = []


class Busy(Exception):
    """The other side asks for a pause."""

    retry_after = 0.1


class Retries:
    """A function that is tried again after any Exception, twice at most, with short waits."""

    name = ""
    clocked: tuple[str, ...] = ()
    """Its modules that ask for the date."""

    def __init__(self, func: Func) -> None:
        self.func = func

    def call(self) -> Any:
        """Call it with what the library does by itself."""
        raise NotImplementedError

    def call_as_asked(self) -> Any:
        """Call it and wait as its errors ask for."""
        raise NotImplementedError

    def call_within(self, seconds: float) -> Any:
        """Call it, and begin no attempt after so many seconds."""
        raise NotImplementedError

    def budgeted(self) -> Func:
        """Return what calls it with a budget of one retry in five calls."""
        raise Unsupported


class Kit(Retries):
    """This project's."""

    name = "this kit"
    clocked = ("backend.resilience.clock",)

    def call(self):
        from backend.resilience import retry_with_backoff

        return retry_with_backoff(3, 0.01, jitter="full")(self.func)()

    call_as_asked = call

    def call_within(self, seconds):
        from backend.resilience import deadline

        with deadline(seconds):
            return self.call()

    def budgeted(self):
        from backend.resilience import RetryBudget, retry_with_backoff

        return retry_with_backoff(3, 0.0, budget=RetryBudget())(self.func)


class Backoff(Retries):
    """The package python-backoff, by its documentation."""

    name = "python-backoff"

    def call(self):
        import backoff

        return backoff.on_exception(backoff.expo, Exception, max_tries=3, factor=0.01)(self.func)()

    def call_as_asked(self):
        import backoff

        asked = backoff.on_exception(backoff.runtime, Exception, max_tries=3, value=lambda error: error.retry_after)
        return asked(self.func)()

    def call_within(self, seconds):
        import backoff

        return backoff.on_exception(backoff.expo, Exception, max_tries=3, factor=0.01, max_time=seconds)(self.func)()


RETRIES: tuple[type[Retries], ...] = (Kit, Backoff)


def case(func: Callable[[type[Retries]], None]) -> Callable[[type[Retries]], None]:
    """Add a case to the list."""
    CASES.append(func)
    return func


def attempts_of(make: type[Retries], error: BaseException) -> int:
    made: list[int] = []

    def func() -> None:
        made.append(1)
        raise error

    with contextlib.suppress(type(error)):
        make(func).call()
    return len(made)


@case
def tries_again(make: type[Retries]) -> None:
    """a call that fails is tried again, as often as said, and its last error raised"""
    assert attempts_of(make, Down()) == 3


@case
def never_early(make: type[Retries]) -> None:
    """a pause that was asked for is never shortened by jitter"""
    for _ in range(4):
        began: list[float] = []

        def func(began: list[float] = began) -> None:
            began.append(time.monotonic())
            if len(began) < 3:
                raise Busy

        make(func).call_as_asked()
        assert min(began[1] - began[0], began[2] - began[1]) >= 0.099


@case
def not_an_open_circuit(make: type[Retries]) -> None:
    """an open circuit is not tried again"""
    assert attempts_of(make, pybreaker.CircuitBreakerError("open")) == 1


@case
def green_timer(make: type[Retries]) -> None:
    """a timer of the greenlet library, which is no Exception, is"""
    assert attempts_of(make, GreenTimeout()) == 3


@case
def cancelled(make: type[Retries]) -> None:
    """a cancelled greenlet is not"""
    assert attempts_of(make, Cancelled()) == 1


@case
def by_no_wall_clock(make: type[Retries]) -> None:
    """the time it may take does not end when the wall clock is set"""
    made: list[int] = []

    def func() -> None:
        made.append(1)
        if len(made) == 1:
            stack.enter_context(an_hour_fast(make.clocked))
            raise Down

    with contextlib.ExitStack() as stack:
        make(func).call_within(5)
    assert len(made) == 2


@case
def budget(make: type[Retries]) -> None:
    """in an outage there are at most 1.2 attempts for each call"""
    made: list[int] = []

    def func() -> None:
        made.append(1)
        raise Down

    call = make(func).budgeted()
    for _ in range(100):
        with contextlib.suppress(Down):
            call()
    assert len(made) <= 120
