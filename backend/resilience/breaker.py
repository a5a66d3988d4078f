"""The circuit breaker.

A `pybreaker.CircuitBreaker` by name and protocol with a control flow of its own, because pybreaker's holds one lock
across the storage, the listeners and the user's function, lets everybody into half-open, takes timers and cancelled
greenlets for the wrong thing, forgets failures on excluded errors and replaces the error that trips it.

A healthy call in the default configuration costs a few attribute look-ups: no lock, no clock, no storage.
"""

from __future__ import annotations

import functools
import inspect
import random as _random
from collections.abc import Callable, Generator, Iterable
from contextvars import ContextVar
from types import GeneratorType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from backend import runtime
from backend.resilience.admitted import AdmittedCall
from backend.resilience.break_duration import BreakDuration
from backend.resilience.breaker_states import Closed, Permit
from backend.resilience.breaker_storage import DISABLED, FORCED_OPEN, METRICS_ONLY, OPEN, BreakerRecord, BreakerStorage
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.control import Control
from backend.resilience.events import BreakerChanged, Listeners
from backend.resilience.outcome import Classifier, Matcher, Outcome
from backend.resilience.pybreaker_face import PybreakerFace
from backend.resilience.stream import guard_stream, opened
from backend.resilience.window import Consecutive, Window, WindowStats

P = ParamSpec("P")
T = TypeVar("T")

_entered: ContextVar[tuple[tuple[CircuitBreaker, AdmittedCall], ...]] = ContextVar("entered_breakers", default=())


class CircuitBreaker(PybreakerFace):
    """Stops calling what keeps failing, and finds out by a single probe when it works again.

    Args:
        failure_threshold: so many failures in a row open it; unused where `window` is given.
        timeout: seconds that it stays open before a probe.
        name: for logs, events and the rejection.
        feature: what of the program rests on the dependency; passed on in events.
        window: what it counts in, in place of failures in a row: `CountWindow` or `TimeWindow`.
        record: errors that are failures; None takes every Exception and every timer.
        ignore: errors that say nothing about the dependency, by class or predicate.
        expected: errors that are proper answers: they prove a probe, and do not count otherwise.
        permits: calls admitted in half-open; all must succeed to close it.
        probe_seconds: a probe that has not come back by then loses its permit to the next caller.
        growth: factor by which each further break is longer until the circuit has been closed.
        max_timeout: longest break in seconds; None for no cap.
        jitter: share of the break that is added at random.
        clock, random: where time and chance come from.
        listeners: told of each change of state with a `BreakerChanged`.
        storage: where the state is kept; in memory by default.

    Raises:
        ValueError: a number that makes no sense.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        timeout: float = 60,
        *,
        name: str = "",
        feature: str = "",
        window: Window | None = None,
        record: Iterable[Matcher] | None = None,
        ignore: Iterable[Matcher] = (),
        expected: Iterable[Matcher] = (),
        permits: int = 1,
        probe_seconds: float = 30.0,
        growth: float = 1.0,
        max_timeout: float | None = None,
        jitter: float = 0.0,
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = _random.random,
        listeners: Listeners | None = None,
        storage: BreakerStorage | None = None,
    ) -> None:
        if permits < 1 or probe_seconds <= 0:
            raise ValueError("half-open needs at least one permit and a lease above 0 seconds")
        self.feature = feature
        self.events = listeners if listeners is not None else Listeners()
        self.classify = Classifier(record, ignore, expected)
        kept_in = storage or BreakerStorage(clock=clock)
        self._listeners = []
        self._control = Control(
            name=name,
            feature=feature,
            window=window or Consecutive(failure_threshold),
            duration=BreakDuration(timeout, growth, max_timeout, jitter, random),
            permits=permits,
            lease_seconds=probe_seconds,
            clock=clock,
            storage=kept_in,
            notify=self._notify,
        )
        self._init_face(kept_in, timeout, name)

    @classmethod
    def strict(cls, **options: Any) -> Self:
        """For critical services: 3 failures, 30 s."""
        return cls(3, 30, **options)

    @classmethod
    def moderate(cls, **options: Any) -> Self:
        """The default: 5 failures, 60 s."""
        return cls(5, 60, **options)

    @classmethod
    def lenient(cls, **options: Any) -> Self:
        """For services known to be unstable: 10 failures, 120 s."""
        return cls(10, 120, **options)

    # Ways to call

    def call(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Call `func`; a generator that it returns is guarded to its last item.

        Raises:
            CircuitBreakerOpenError: the call was not made.
            BaseException: whatever `func` raises, unchanged.
        """
        state = self._control.current
        if not state.plain:
            if type(state) is Closed and not self._listeners:
                return self._call_counted(state, func, args, kwargs)
            return self._call_admitted(state.admit(), func, args, kwargs)
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            state.settle(self.classify(error), error=error)  # type: ignore[attr-defined]  # plain states are permits
            raise
        if type(result) is GeneratorType:
            return guard_stream(result, self.begin)
        if state.window.failures:  # type: ignore[attr-defined]
            state.settle(Outcome.SUCCESS)  # type: ignore[attr-defined]
        return result

    def _call_counted(self, state: Closed, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A call while closed, counted in a window: like `_call_admitted` without what only the other states need."""
        limit = state.slow_seconds
        started = 0.0 if limit is None else self._control.monotonic()
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            self._failed(state, error, self._is_slow(limit, started))
            raise
        if type(result) is GeneratorType:
            return guard_stream(result, self.begin)
        state.count(False, limit is not None and self._is_slow(limit, started), None)
        return result

    def _call_admitted(self, permit: Permit, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        limit = self._control.current.slow_seconds
        started = self._control.monotonic()
        self._tell("before_call", func, *args)
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            self._failed(permit, error, self._is_slow(limit, started))
            raise
        if type(result) is GeneratorType:
            permit.settle(Outcome.IGNORED)
            return guard_stream(result, self.begin)
        self._succeeded(permit, self._is_slow(limit, started))
        return result

    def __call__(self, func: Callable[P, T]) -> Callable[P, T]:  # type: ignore[override]
        """Decorate a function or a generator function.

        Raises:
            TypeError: it is a coroutine function; its failure would show after the breaker has looked away.
        """
        if inspect.iscoroutinefunction(func) or inspect.isasyncgenfunction(func):
            raise TypeError("the kit's breaker guards synchronous code")

        @functools.wraps(func)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            return self.call(func, *args, **kwargs)  # type: ignore[no-any-return]

        return guarded

    def __enter__(self) -> Self:
        _entered.set((*_entered.get(), (self, self.begin())))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        call = self._left()
        if call is None:
            return  # a generator that another greenlet ends: its error goes on, and its lease ends by itself
        if error is None:
            call.succeeded()
        else:
            call.failed(error)

    def _left(self) -> AdmittedCall | None:
        """Our own innermost block of this context: generators with blocks of their own leave them in any order."""
        entered = _entered.get()
        place = max((place for place, (breaker, _) in enumerate(entered) if breaker is self), default=None)
        if place is None:
            return None
        _entered.set(entered[:place] + entered[place + 1 :])
        return entered[place][1]

    def stream(self, make_iterator: Callable[[], Iterable[Any]]) -> Generator[Any, Any, Any]:
        """Yield what the iterator yields that `make_iterator` makes, guarded to the last item."""
        return guard_stream(opened(make_iterator), self.begin)

    def begin(self) -> AdmittedCall:
        """Admit a call that is made elsewhere; whoever asks must end it with `succeeded`, `failed` or `dropped`.

        Raises:
            CircuitBreakerOpenError: none is admitted.
        """
        permit = self._control.current.admit()
        return AdmittedCall(self, permit, self._control.current.slow_seconds, self._control.monotonic)

    def _succeeded(self, permit: Permit, slow: bool) -> None:
        permit.settle(Outcome.SUCCESS, slow)
        self._tell("success")

    def _failed(self, permit: Permit, error: BaseException, slow: bool) -> None:
        outcome = self.classify(error)
        permit.settle(outcome, slow or runtime.is_timeout(error), error)
        if outcome is Outcome.FAILURE:
            self._tell("failure", error)

    def _is_slow(self, limit: float | None, started: float) -> bool:
        return limit is not None and self._control.monotonic() - started >= limit

    # What it shows

    @property  # type: ignore[misc]  # pybreaker's can be set; here the methods below move the state
    def state(self) -> str:  # type: ignore[override]
        """Return closed, open, half_open, forced_open, disabled or metrics_only."""
        return self._control.current.shown()

    @property
    def failure_count(self) -> int:
        """Return the failures that count at present: in a row, or in the window."""
        return self._control.failure_count

    @property
    def retry_after(self) -> float | None:
        """Return the seconds until a call is admitted, None where one is already or nobody knows."""
        return self._control.current.retry_after()

    @property
    def is_rejecting(self) -> bool:
        """Whether a call made now would be rejected, as far as that is known without making it."""
        return self._control.current.shown() in (OPEN, FORCED_OPEN)

    @property
    def last_cause(self) -> BaseException | None:
        """Return a copy of the error that opened it, None while it is closed."""
        return self._control.current.cause

    @property
    def stats(self) -> WindowStats:
        """Return what the window holds; while it is not closed, nothing."""
        current = self._control.current
        window = current.window if isinstance(current, Closed) else self._control.window.fresh()
        with self._control.lock:
            return window.stats()

    @property
    def snapshot(self) -> BreakerRecord:
        """Return state, generation, reason, author and times, as they are told to the storage."""
        return self._control.record

    # What a person may do

    def reset(self, reason: str = "reset", author: str | None = None) -> None:
        """Close it, forget the failures and end any override."""
        control = self._control
        control.force(lambda: Closed(control, control.window.fresh()), reason, author)

    def force_open(self, reason: str = "", *, author: str | None = None, seconds: float | None = None) -> None:
        """Reject every call until `reset`, or for `seconds`."""
        self._control.override(FORCED_OPEN, reason, author, seconds)

    def disable(self, reason: str = "", *, author: str | None = None, seconds: float | None = None) -> None:
        """Admit every call and count nothing until `reset`, or for `seconds`."""
        self._control.override(DISABLED, reason, author, seconds)

    def metrics_only(self, reason: str = "", *, author: str | None = None, seconds: float | None = None) -> None:
        """Count, but never open, until `reset`, or for `seconds`."""
        self._control.override(METRICS_ONLY, reason, author, seconds)

    def _notify(self, event: BreakerChanged) -> None:
        self.events.notify(event)
        self._tell_change(event)
