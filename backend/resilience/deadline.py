"""Deadlines: a point in time by which an operation has to be done, handed on through a context variable.

A timeout per call adds up over retries and layers; a deadline does not. Whoever answers a request or an event sets
it, and everything that is called from there may ask `current_deadline()` how much time is left. What is spawned may
go on after the answer and has no deadline, unless it is handed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import overload

from backend import runtime
from backend.errors import DeadlineExceededError
from backend.resilience.clock import SYSTEM_CLOCK, Clock

_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
runtime.leave_behind(_current, None)


class Deadline:
    """A point in time.

    Args:
        seconds: from now; 0 or less has passed already.
        clock: asked for the time.
    """

    __slots__ = ("_clock", "at")

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self.at = clock.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds left, 0 when it has passed."""
        return max(0.0, self.at - self._clock.monotonic())

    @property
    def expired(self) -> bool:
        """Whether it has passed."""
        return self._clock.monotonic() >= self.at

    def check(self, doing: str = "operation") -> None:
        """Return while there is time.

        Raises:
            DeadlineExceededError: it has passed; the text names what was being done.
        """
        if self.expired:
            raise DeadlineExceededError(f"{doing}: the deadline has passed")

    def __repr__(self) -> str:
        return f"<Deadline in {self.remaining():.3f} s>"


def current_deadline() -> Deadline | None:
    """Return the deadline in force here, None without one."""
    return _current.get()


@contextmanager
def deadline(limit: float | Deadline | None, clock: Clock = SYSTEM_CLOCK) -> Iterator[Deadline | None]:
    """Put a deadline in force for the block. An earlier outer one stays: nobody gets more than their caller.

    Args:
        limit: seconds from now, or a deadline; None keeps the one in force.
        clock: for a `limit` in seconds.
    """
    effective = earliest(limit, clock)
    token = enter(effective)
    try:
        yield effective
    finally:
        leave(token)


def enter(limit: Deadline | None) -> Token[Deadline | None]:
    """Put exactly `limit` in force until `leave`; a `with deadline(...)` without its cost, for hot paths."""
    return _current.set(limit)


def leave(token: Token[Deadline | None]) -> None:
    """End what `enter` began."""
    _current.reset(token)


@overload
def earliest(limit: float | Deadline, clock: Clock = SYSTEM_CLOCK) -> Deadline: ...
@overload
def earliest(limit: None, clock: Clock = SYSTEM_CLOCK) -> Deadline | None: ...
@overload
def earliest(limit: float | Deadline | None, clock: Clock = SYSTEM_CLOCK) -> Deadline | None: ...
def earliest(limit: float | Deadline | None, clock: Clock = SYSTEM_CLOCK) -> Deadline | None:
    """Return whichever comes first: `limit` or the deadline in force."""
    outer = _current.get()
    if limit is None:
        return outer
    own = limit if isinstance(limit, Deadline) else Deadline(limit, clock)
    return own if outer is None or own.at <= outer.at else outer
