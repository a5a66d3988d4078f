"""The guard of one dependency: every call to it passes here.

Feature flag, deadline, bulkhead, retry with a budget, breaker, and the call itself under a timeout, in this order; the
outcome goes to the aggregator and the listeners. Nothing here does I/O, so a rejection costs microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from backend import runtime
from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DashboardError,
    DeadlineExceededError,
    FeatureDisabledError,
)
from backend.resilience.aggregator import ErrorAggregator, mark_recorded
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.budget import RetryBudget
from backend.resilience.bulkhead import Bulkhead
from backend.resilience.clock import Clock
from backend.resilience.deadline import Deadline, earliest, enter, leave
from backend.resilience.degradation import GracefulDegradation
from backend.resilience.events import CallFinished, Listeners, RetryScheduled
from backend.resilience.fallback import MISSING, calls_for_fallback, resolve
from backend.resilience.guarded_stream import StreamReader
from backend.resilience.jitter import Random
from backend.resilience.policy import Policy
from backend.resilience.redaction import described
from backend.resilience.retry import call_with_retry


class Guard:
    """Guards the calls to one dependency. Made by `Guards.add`.

    `name` is the dependency, `feature` what of the program rests on it.
    """

    def __init__(
        self,
        name: str,
        feature: str,
        policy: Policy,
        *,
        error_type: str,
        clock: Clock,
        aggregator: ErrorAggregator,
        degradation: GracefulDegradation,
        listeners: Listeners,
        random: Random,
        breaker: CircuitBreaker,
        budget: RetryBudget | None = None,
    ) -> None:
        self.name = name
        self.feature = feature
        self.policy = policy
        self.breaker = breaker
        self.bulkhead = Bulkhead(policy.max_concurrent, name)
        self.budget = budget or RetryBudget(policy.retry_ratio, policy.retry_minimum, clock=clock)
        self._error_type = error_type
        self._clock = clock
        self._monotonic = clock.monotonic
        self._aggregator = aggregator
        self._degradation = degradation
        self._flag = degradation.register_feature(feature)
        self._listeners = listeners
        self._random = random
        self._retry = policy.retry
        self._in_time = runtime.call_cooperatively if policy.cooperative else runtime.call_with_timeout

    def call(
        self,
        func: Callable[..., Any],
        /,
        *args: Any,
        fallback: Any = MISSING,
        deadline: float | Deadline | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call `func` under all of the policy.

        Args:
            func: called with the further arguments.
            fallback: given when the call is rejected or fails; a function is called. Not given for the caller's own
                fault (an error with a client status).
            deadline: seconds, or a point in time, by which all of it must be done; one already in force that is
                earlier goes first.

        Raises:
            FeatureDisabledError: a person switched the feature off.
            DeadlineExceededError: the time ran out.
            BulkheadFullError: too many calls are under way.
            CircuitBreakerOpenError: the dependency has been failing; with retry_after, name and last_cause.
            BaseException: what `func` raised.
        """
        started = self._monotonic()
        try:
            limit = self._admit(deadline)
            token = enter(limit)
            try:
                result = call_with_retry(
                    lambda: self.breaker.call(self._attempt, func, args, kwargs, limit),
                    self._retry,
                    clock=self._clock,
                    random=self._random,
                    budget=self.budget,
                    may_retry=self._may_retry,
                    on_retry=self._on_retry,
                )
            finally:
                leave(token)
                self.bulkhead.leave()
        except BaseException as error:
            instead = fallback is not MISSING and calls_for_fallback(error)
            self._report(error, started, instead)
            if not instead:
                raise
        else:
            self._report(None, started, False)
            return result
        return resolve(fallback)

    def stream(
        self, make_iterator: Callable[[], Iterable[Any]], *, deadline: float | Deadline | None = None
    ) -> Iterator[Any]:
        """Yield what the iterator yields that `make_iterator` makes, guarded to the last item.

        The policy's timeout holds for each item. Until the first item it is tried again as a call is; after it a
        failure is passed on. A client that leaves is neither success nor failure.

        Raises:
            DashboardError: as `call`, when the first item is asked for, or later DeadlineExceededError.
        """
        started = self._monotonic()
        try:
            limit = self._admit(deadline)
            try:
                reader, first = self._first(make_iterator, limit)
                yield from reader.read(first)
            finally:
                self.bulkhead.leave()
        except BaseException as error:
            self._report(error, started, False)
            raise
        self._report(None, started, False)

    def _admit(self, deadline: float | Deadline | None) -> Deadline | None:
        """Flag, deadline, bulkhead."""
        if self._flag.override is not None and self._degradation.is_blocked(self.feature):
            raise FeatureDisabledError(f"feature {self.feature} is off: {self._flag.why_off}", name=self.feature)
        limit = earliest(deadline, self._clock)
        if limit is not None and limit.expired:
            raise _NoTimeError(f"{self.name}: no time is left for it")
        self.bulkhead.enter()
        return limit

    def _attempt(self, func: Callable[..., Any], args: Any, kwargs: Any, limit: Deadline | None) -> Any:
        seconds, own = self._time_for_one(limit)
        token = enter(own)
        try:
            return self._in_time(seconds, func, *args, **kwargs)
        except TimeoutError as error:
            raise self._timed_out(error, seconds) from error
        finally:
            leave(token)

    def _time_for_one(self, limit: Deadline | None) -> tuple[float, Deadline]:
        """How long one attempt may take, and the deadline that tells it so."""
        timeout = self.policy.timeout
        if limit is not None:
            left = limit.remaining()
            if left < timeout:
                return left, limit
        return timeout, Deadline(timeout, self._clock)

    def _timed_out(self, error: TimeoutError, seconds: float) -> BaseException:
        if isinstance(error, DashboardError):
            return error
        return DeadlineExceededError(f"{self.name}: no answer within {seconds:.3g} s")

    def _first(self, make_iterator: Callable[[], Iterable[Any]], limit: Deadline | None) -> tuple[StreamReader, Any]:
        """The reader of a stream and its first item; the waits between the attempts keep the deadline too."""
        token = enter(limit)
        try:
            return call_with_retry(
                lambda: self._opened(make_iterator, limit),
                self._retry,
                clock=self._clock,
                random=self._random,
                budget=self.budget,
                may_retry=self._may_retry,
                on_retry=self._on_retry,
            )
        finally:
            leave(token)

    def _opened(self, make_iterator: Callable[[], Iterable[Any]], limit: Deadline | None) -> tuple[StreamReader, Any]:
        reader = StreamReader(self.breaker, lambda: self._time_for_one(limit), self._timed_out, self._in_time)
        return reader, reader.open(make_iterator)

    def _may_retry(self) -> bool:
        return not self.breaker.is_rejecting

    def _on_retry(self, attempt: int, wait: float, error: BaseException) -> None:
        if self._listeners.wants(RetryScheduled):
            self._listeners.notify(RetryScheduled(self.name, self.feature, attempt, wait, error))

    def _report(self, error: BaseException | None, started: float, instead: bool) -> None:
        if error is None:
            outcome = "success"
            self._flag.worked = True
        else:
            outcome = self._outcome(error)
        if outcome != "rejected":
            self.budget.note_call()
        if outcome == "failure" and error is not None:
            where = {"dependency": self.name, "feature": self.feature}
            self._aggregator.record_error(self._error_type, described(error), where)
            mark_recorded(error)
        if self._listeners.wants(CallFinished):
            seconds = self._monotonic() - started
            self._listeners.notify(CallFinished(self.name, self.feature, outcome, seconds, error, instead))

    def _outcome(self, error: BaseException) -> str:
        if isinstance(error, CircuitBreakerOpenError | BulkheadFullError | _NoTimeError):
            return "rejected"
        outcome = self.breaker.classify(error).value
        return "ignored" if outcome == "expected" else outcome


class _NoTimeError(DeadlineExceededError):
    """The deadline had passed before the call was made: the dependency has no part in it."""

    counts_as_failure = False
