"""One timer for all calls under way on an event loop.

A timer per call costs more than everything else that a guard does. Here a call only notes until when it may run; one
timer wakes up at the earliest of these moments, interrupts what is over its time and goes back to sleep. Knows no
library: `runtime` brings the loop's own timer, current greenlet and exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from time import monotonic
from typing import Any

Arm = Callable[[float, Callable[[], object]], Callable[[], object]]


class Watch:
    """One call: until when it may run, in whom, and whether it is over."""

    __slots__ = ("at", "error", "greenlet", "over")

    def __init__(self, at: float, greenlet: Any) -> None:
        self.at = at
        self.greenlet = greenlet
        self.error: BaseException | None = None
        self.over = False


class Watchdog:
    """Watches over the calls of one event loop.

    Args:
        arm: calls a function from the loop after so many seconds, and returns what takes that back.
        current: returns the running greenlet, which has `throw`.
        expired: the class of the exception that interrupts a call; its instances take attributes.
    """

    def __init__(self, arm: Arm, current: Callable[[], Any], expired: type[BaseException]) -> None:
        self._arm = arm
        self._current = current
        self._expired = expired
        self._watches: set[Watch] = set()
        self._wakes_at = inf
        self._disarm: Callable[[], object] = _nothing

    def call(self, seconds: float, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call `func` and interrupt it after `seconds`.

        Raises:
            TimeoutError: it was interrupted.
        """
        watch = Watch(monotonic() + seconds, self._current())
        self._watches.add(watch)
        if watch.at < self._wakes_at:
            self._wake_at(watch.at)
        try:
            return func(*args, **kwargs)
        except self._expired as error:
            if error is watch.error:
                raise TimeoutError(f"timed out after {seconds:.3g} s") from None
            raise
        finally:
            watch.over = True
            self._watches.discard(watch)

    def _wake_at(self, at: float) -> None:
        self._disarm()
        self._wakes_at = at
        self._disarm = self._arm(max(0.0, at - monotonic()), self._wake)

    def _wake(self) -> None:
        self._wakes_at, self._disarm = inf, _nothing
        now = monotonic()
        due = [watch for watch in self._watches if watch.at <= now]
        for watch in due:
            self._watches.discard(watch)
            self._arm(0.0, _Bite(watch, self._expired))  # each on its own: what it wakes may raise into the loop
        if self._watches:
            self._wake_at(min(watch.at for watch in self._watches))


class _Bite:
    """Interrupts one call, unless it has ended by itself in the meantime."""

    __slots__ = ("_expired", "_watch")

    def __init__(self, watch: Watch, expired: type[BaseException]) -> None:
        self._watch = watch
        self._expired = expired

    def __call__(self) -> None:
        watch = self._watch
        if watch.over:
            return
        watch.error = self._expired()
        watch.error.watch = watch  # type: ignore[attr-defined]  # tells others whose timer it is
        watch.greenlet.throw(watch.error)


def _nothing() -> None:
    return None
