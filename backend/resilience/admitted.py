"""One call that a breaker has let through and that is made elsewhere: in a `with` block or by a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from backend.resilience.breaker_states import Lease, Permit
from backend.resilience.outcome import Outcome


class Settling(Protocol):
    """The part of the breaker that takes outcomes."""

    def _succeeded(self, permit: Permit, slow: bool) -> None: ...

    def _failed(self, permit: Permit, error: BaseException, slow: bool) -> None: ...


class AdmittedCall:
    """Measures the call where that matters, and settles its permit once.

    Args:
        breaker: takes the outcome.
        permit: to be settled.
        slow_seconds: from this duration on it is slow; of a stream, from this wait for the first item.
        monotonic: asked for the time.
    """

    __slots__ = ("_breaker", "_first", "_monotonic", "_permit", "_slow_seconds", "_started")

    def __init__(
        self, breaker: Settling, permit: Permit, slow_seconds: float | None, monotonic: Callable[[], float]
    ) -> None:
        self._breaker = breaker
        self._permit = permit
        self._slow_seconds = slow_seconds
        self._monotonic = monotonic
        self._started = monotonic()
        self._first: bool | None = None

    def alive(self) -> None:
        """A stream's item has come: its first one decides whether it is slow, each one keeps its lease."""
        if self._first is None:
            self._first = self._is_slow()
        if isinstance(self._permit, Lease):
            self._permit.renew()

    def succeeded(self) -> None:
        """The dependency did its work."""
        self._breaker._succeeded(self._permit, self._is_slow() if self._first is None else self._first)

    def failed(self, error: BaseException) -> None:
        """The call ended with `error`, which may or may not speak against the dependency."""
        self._breaker._failed(self._permit, error, self._is_slow())

    def dropped(self) -> None:
        """Hand the permit back without a word about the dependency."""
        self._permit.settle(Outcome.IGNORED)

    def _is_slow(self) -> bool:
        return self._slow_seconds is not None and self._monotonic() - self._started >= self._slow_seconds
