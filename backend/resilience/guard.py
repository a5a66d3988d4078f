"""The guard: the one way out of the process."""

from __future__ import annotations

import random as _random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from backend import runtime
from backend.errors import BulkheadFullError, CircuitBreakerOpenError, DeadlineExceededError, FeatureDisabledError
from backend.resilience.aggregator import ErrorAggregator
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import Deadline, earliest
from backend.resilience.deadline import deadline as deadline_in_force
from backend.resilience.degradation import GracefulDegradation
from backend.resilience.events import BreakerChanged, CallFinished, Listeners
from backend.resilience.retry import call_with_retry

MISSING: Final[Any] = object()


@dataclass(frozen=True)
class Policy:
    """How calls to one dependency are guarded; times in seconds."""

    failure_threshold: int = 5
    open_seconds: float = 60.0
    timeout: float = 10.0
    attempts: int = 2
    base_delay: float = 0.5
    backoff_factor: float = 2.0
    max_delay: float = 30.0
    max_concurrent: int = 16


class Guard:
    """Guards the calls to one dependency."""

    def __init__(self, name: str, feature: str, policy: Policy, guards: Guards, error_type: str | None) -> None:
        self.name = name
        self.feature = feature
        self.policy = policy
        self.breaker = CircuitBreaker(
            policy.failure_threshold,
            policy.open_seconds,
            name=name,
            feature=feature,
            clock=guards.clock,
            listeners=guards.listeners,
            probe_seconds=policy.timeout,
        )
        self._guards = guards
        self._error_type = error_type or f"{feature}_failure"
        self._under_way = 0

    def call(
        self,
        func: Callable[..., Any],
        *args: Any,
        fallback: Any = MISSING,
        deadline: float | Deadline | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call `func`: flag, deadline, bulkhead, retry, breaker, timeout.

        Args:
            fallback: given instead when the call is rejected or fails; called where it can be.
            deadline: seconds, or a point in time, by which it must be done.
        """
        started = self._guards.clock.monotonic()
        try:
            with deadline_in_force(earliest(deadline, self._guards.clock)) as limit:
                result = self._bulkhead(lambda: self._retry(lambda: func(*args, **kwargs), limit))
        except Exception as error:
            self._report(error, started)
            if fallback is MISSING:
                raise
            return fallback() if callable(fallback) else fallback
        self._report(None, started)
        return result

    def stream(
        self, make_iterator: Callable[[], Iterator[Any]], *, deadline: float | Deadline | None = None
    ) -> Iterator[Any]:
        """Yield what `make_iterator()` yields, guarded to the last item."""
        started = self._guards.clock.monotonic()
        limit = earliest(deadline, self._guards.clock)
        self._check_flag()
        breaker = self.breaker
        generation = breaker._admit()
        self._under_way += 1
        try:
            for item in make_iterator():
                if limit is not None:
                    limit.check(self.name)
                yield item
        except BaseException as error:
            breaker._failed(error, generation)
            self._report(error, started)
            raise
        finally:
            self._under_way -= 1
        breaker._succeeded(generation)
        self._report(None, started)

    def _check_flag(self) -> None:
        degradation = self._guards.degradation
        if not degradation.is_enabled(self.feature) and degradation.is_manual(self.feature):
            raise FeatureDisabledError(f"feature {self.feature} is off", name=self.feature)

    def _bulkhead(self, func: Callable[[], Any]) -> Any:
        self._check_flag()
        if self._under_way >= self.policy.max_concurrent:
            raise BulkheadFullError(f"{self.name}: {self._under_way} calls under way")
        self._under_way += 1
        try:
            return func()
        finally:
            self._under_way -= 1

    def _retry(self, func: Callable[[], Any], limit: Deadline | None) -> Any:
        policy = self.policy
        return call_with_retry(
            lambda: self.breaker.call(self._timed, func, limit),
            max_attempts=policy.attempts,
            initial_delay=policy.base_delay,
            backoff_factor=policy.backoff_factor,
            max_delay=policy.max_delay,
            clock=self._guards.clock,
        )

    def _timed(self, func: Callable[[], Any], limit: Deadline | None) -> Any:
        seconds = self.policy.timeout if limit is None else min(self.policy.timeout, limit.remaining())
        try:
            return runtime.call_with_timeout(seconds, func)
        except TimeoutError as error:
            if isinstance(error, DeadlineExceededError):
                raise
            raise DeadlineExceededError(f"{self.name}: no answer within {seconds:.1f} s") from error

    def _report(self, error: BaseException | None, started: float) -> None:
        outcome = _outcome(error)
        seconds = self._guards.clock.monotonic() - started
        if outcome == "failure" and error is not None:
            text = f"{type(error).__name__}: {error}"
            self._guards.aggregator.record_error(self._error_type, text, {"dependency": self.name})
        self._guards.listeners.notify(CallFinished(self.name, self.feature, outcome, seconds, error))


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "success"
    if isinstance(error, CircuitBreakerOpenError | BulkheadFullError):
        return "rejected"
    if runtime.is_cancellation(error):
        return "cancelled"
    return "failure" if getattr(error, "counts_as_failure", True) else "ignored"


class Guards:
    """All guards of a program, by dependency and by feature."""

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM_CLOCK,
        aggregator: ErrorAggregator | None = None,
        degradation: GracefulDegradation | None = None,
        listeners: Listeners | None = None,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self.clock = clock
        self.aggregator = aggregator or ErrorAggregator(clock=clock)
        self.degradation = degradation or GracefulDegradation(clock=clock)
        self.listeners = listeners or Listeners()
        self._random = random
        self._guards: dict[str, Guard] = {}
        self._essential: dict[str, list[Guard]] = {}
        self.listeners.subscribe(self._on_event)

    def add(
        self,
        name: str,
        *,
        feature: str,
        policy: Policy = Policy(),
        essential: bool = True,
        error_type: str | None = None,
    ) -> Guard:
        """Guard the dependency `name`, on which `feature` rests."""
        guard = Guard(name, feature, policy, self, error_type)
        self._guards[name] = guard
        if feature not in self.degradation.names():
            self.degradation.register_feature(feature)
        self._essential.setdefault(feature, [])
        if essential:
            self._essential[feature].append(guard)
        return guard

    def __getitem__(self, name: str) -> Guard:
        return self._guards[name]

    def feature_status(self) -> dict[str, dict[str, Any]]:
        """Return by feature: enabled, circuit_breaker, failures, dependencies and, where it is off, the reason."""
        return {name: self._status(name) for name in self.degradation.names()}

    def reset(self, feature: str) -> None:
        """Close all breakers of a feature and switch it on."""
        for guard in self._guards.values():
            if guard.feature == feature:
                guard.breaker.reset()
        self.degradation.enable_feature(feature)

    def _status(self, feature: str) -> dict[str, Any]:
        leading = self._leading(feature)
        status: dict[str, Any] = {
            "enabled": self.degradation.is_enabled(feature),
            "circuit_breaker": leading.state if leading else "closed",
            "failures": leading.failure_count if leading else 0,
            "dependencies": {
                guard.name: {
                    "circuit_breaker": guard.breaker.state,
                    "failures": guard.breaker.failure_count,
                    "retry_after": guard.breaker.retry_after,
                }
                for guard in self._guards.values()
                if guard.feature == feature
            },
        }
        if reason := self.degradation.reason(feature):
            status["reason"] = reason
        return status

    def _leading(self, feature: str) -> CircuitBreaker | None:
        """The healthiest essential breaker: the feature works as long as one dependency does."""
        breakers = [guard.breaker for guard in self._essential.get(feature, ())]
        order = {"closed": 0, "half_open": 1, "open": 2}
        return min(breakers, key=lambda each: (order[each.state], each.failure_count), default=None)

    def _on_event(self, event: Any) -> None:
        if not isinstance(event, BreakerChanged) or event.feature not in self._essential:
            return
        leading = self._leading(event.feature)
        if leading is None:
            return
        if leading.state == "open":
            self.degradation.disable_automatically(event.feature, event.reason)
        elif leading.state == "closed":
            self.degradation.enable_automatically(event.feature)
