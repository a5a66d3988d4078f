"""The guards of a program, and what they say about its features together."""

from __future__ import annotations

import random as _random
from collections.abc import Callable
from typing import Any

from backend.errors import DashboardError
from backend.resilience.aggregator import ErrorAggregator
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.breaker_storage import BreakerStorage
from backend.resilience.budget import RetryBudget
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.degradation import GracefulDegradation
from backend.resilience.events import BreakerChanged, Listeners
from backend.resilience.fallback import MISSING
from backend.resilience.guarded_call import Guard
from backend.resilience.policy import Policy

__all__ = ["MISSING", "Guard", "Guards", "Policy"]

_DEFAULT_POLICY = Policy()
_RANK = {"open": 2, "forced_open": 2, "half_open": 1}
_TOLD = {"forced_open": "open", "disabled": "closed", "metrics_only": "closed"}


class Guards:
    """All guards of a program, by dependency and by feature.

    A feature follows its essential dependencies: it is off while none of them works, and on again when one does. A
    dependency that only enriches (`essential=False`) never counts for its feature.

    Args:
        clock, random: where time and chance come from.
        aggregator: gets each failed call.
        degradation: the features.
        listeners: told of everything: BreakerChanged, FeatureChanged, CallFinished, RetryScheduled, ErrorRecorded.
        storage: makes the storage of a breaker by its name; in memory by default.
        budget: makes the retry budget by name, ratio and minimum; one of this process by default.
    """

    def __init__(
        self,
        *,
        clock: Clock = SYSTEM_CLOCK,
        aggregator: ErrorAggregator | None = None,
        degradation: GracefulDegradation | None = None,
        listeners: Listeners | None = None,
        random: Callable[[], float] = _random.random,
        storage: Callable[[str], BreakerStorage] | None = None,
        budget: Callable[[str, float, int], RetryBudget] | None = None,
    ) -> None:
        self.clock = clock
        self.listeners = listeners if listeners is not None else Listeners()
        self.aggregator = aggregator if aggregator is not None else ErrorAggregator(clock=clock)
        self.degradation = degradation if degradation is not None else GracefulDegradation(clock=clock)
        self._random = random
        self._storage = storage
        self._budget = budget
        self._guards: dict[str, Guard] = {}
        self._essential: dict[str, tuple[Guard, ...]] = {}
        self.listeners.subscribe(self._on_breaker, BreakerChanged)
        for source in (self.degradation.listeners, self.aggregator.listeners):
            if source is not self.listeners:
                source.subscribe(self.listeners.notify)

    def add(
        self,
        name: str,
        *,
        feature: str,
        policy: Policy = _DEFAULT_POLICY,
        essential: bool = True,
        error_type: str | None = None,
    ) -> Guard:
        """Guard a dependency.

        Args:
            name: of the dependency, e.g. `cisa_kev`.
            feature: what of the program rests on it; it is registered where it is not yet.
            policy: how its calls are guarded.
            essential: whether the feature cannot do without, unless another essential dependency works.
            error_type: under which its failures are counted; `<feature>_failure` by default.

        Raises:
            ValueError: the name is taken.
        """
        if name in self._guards:
            raise ValueError(f"there is a guard {name!r} already")
        guard = Guard(
            name,
            feature,
            policy,
            error_type=error_type or f"{feature}_failure",
            clock=self.clock,
            aggregator=self.aggregator,
            degradation=self.degradation,
            listeners=self.listeners,
            random=self._random,
            breaker=self._breaker(name, feature, policy),
            budget=self._budget(name, policy.retry_ratio, policy.retry_minimum) if self._budget else None,
        )
        self._guards[name] = guard
        before = self._essential.get(feature, ())
        self._essential[feature] = (*before, guard) if essential else before
        return guard

    def __getitem__(self, name: str) -> Guard:
        try:
            return self._guards[name]
        except KeyError:
            raise KeyError(f"no guard {name!r}; there are {', '.join(self._guards) or 'none'}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._guards

    def of(self, feature: str) -> list[Guard]:
        """Return the guards of a feature's dependencies, in the order in which they were added."""
        return [guard for guard in list(self._guards.values()) if guard.feature == feature]

    def feature_status(self) -> dict[str, dict[str, Any]]:
        """Return by feature: enabled, circuit_breaker, failures, dependencies and, where it is off, the reason."""
        return {name: self._status(name) for name in self.degradation.names()}

    def reset(self, feature: str, *, reason: str = "reset", author: str = "manual") -> None:
        """Close all breakers of a feature, end overrides, and switch it on.

        Raises:
            KeyError: there is no such feature.
        """
        if feature not in self.degradation.names():
            raise KeyError(f"no feature {feature!r}; there are {', '.join(self.degradation.names()) or 'none'}")
        for guard in self.of(feature):
            guard.breaker.reset(reason, author)
        self.degradation.enable_feature(feature, reason, author=author)

    def _breaker(self, name: str, feature: str, policy: Policy) -> CircuitBreaker:
        return CircuitBreaker(
            policy.failure_threshold,
            policy.open_seconds,
            name=name,
            feature=feature,
            window=policy.window,
            probe_seconds=policy.timeout,
            growth=policy.open_growth,
            max_timeout=policy.max_open_seconds,
            jitter=policy.open_jitter,
            clock=self.clock,
            random=self._random,
            listeners=self.listeners,
            storage=self._storage(name) if self._storage else None,
        )

    def _status(self, feature: str) -> dict[str, Any]:
        leading = self._leading(feature)
        state = leading.state if leading else "closed"
        status: dict[str, Any] = {
            "enabled": self.degradation.is_enabled(feature),
            "circuit_breaker": _TOLD.get(state, state),
            "failures": leading.failure_count if leading else 0,
            "dependencies": {guard.name: _dependency(guard.breaker) for guard in self.of(feature)},
        }
        if reason := self.degradation.reason(feature):
            status["reason"] = reason
        return status

    def _leading(self, feature: str) -> CircuitBreaker | None:
        """The healthiest essential breaker: a feature works as long as one of its dependencies does."""
        breakers = [guard.breaker for guard in self._essential.get(feature, ())]
        return min(breakers, key=lambda each: (_RANK.get(each.state, 0), each.failure_count), default=None)

    def _on_breaker(self, event: BreakerChanged) -> None:
        leading = self._leading(event.feature)
        if leading is None:
            return
        rank = _RANK.get(leading.state, 0)
        if rank == 2:
            self.degradation.disable_automatically(event.feature, f"{leading.name} is failing: {_public(leading)}")
        elif rank == 0:
            self.degradation.enable_automatically(event.feature)


def _public(breaker: CircuitBreaker) -> str:
    """What may be shown to everybody of the error that opened it; its own text is in the log and the aggregator."""
    cause = breaker.last_cause
    if isinstance(cause, DashboardError):
        return cause.message
    return type(cause).__name__ if cause is not None else "its circuit breaker is open"


def _dependency(breaker: CircuitBreaker) -> dict[str, Any]:
    left = breaker.retry_after
    return {
        "circuit_breaker": breaker.state,
        "failures": breaker.failure_count,
        "retry_after": None if left is None else round(left, 3),
    }
