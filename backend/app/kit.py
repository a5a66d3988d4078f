"""The resilience kit, put together once for this process."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.config import GuardSettings
from backend.dashboard.features import FEATURES
from backend.resilience.aggregator import ErrorAggregator
from backend.resilience.degradation import GracefulDegradation
from backend.resilience.events import Listeners
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy
from backend.resilience.responses import DashboardErrorHandler


@dataclass
class Kit:
    """What guards, counts and reports."""

    aggregator: ErrorAggregator = field(default_factory=ErrorAggregator)
    degradation: GracefulDegradation = field(default_factory=GracefulDegradation)
    listeners: Listeners = field(default_factory=Listeners)
    guards: Guards = field(init=False)
    errors: DashboardErrorHandler = field(init=False)

    def __post_init__(self) -> None:
        self.guards = Guards(aggregator=self.aggregator, degradation=self.degradation, listeners=self.listeners)
        self.errors = DashboardErrorHandler(aggregator=self.aggregator)
        for name in FEATURES:
            self.degradation.register_feature(name)


def upstream_policy(settings: GuardSettings) -> Policy:
    """Return the policy for calls to sources and models."""
    return Policy(
        failure_threshold=settings.failure_threshold,
        open_seconds=settings.open_seconds,
        timeout=settings.timeout_seconds,
        attempts=settings.attempts,
        base_delay=settings.base_delay_seconds,
    )


def database_policy(policy: Policy) -> Policy:
    """Return the policy for the database: SQLite is beside us, so no retry and many at once."""
    return Policy(
        failure_threshold=policy.failure_threshold,
        open_seconds=min(policy.open_seconds, 10.0),
        timeout=policy.timeout,
        attempts=1,
        max_concurrent=64,
    )
