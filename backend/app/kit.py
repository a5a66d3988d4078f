"""The resilience kit, put together once for this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from backend.config import GuardSettings, Settings
from backend.dashboard.features import FEATURES
from backend.resilience.aggregator import ErrorAggregator
from backend.resilience.degradation import GracefulDegradation
from backend.resilience.error_journal import ErrorJournal
from backend.resilience.events import Listeners
from backend.resilience.fleet import Fleet, connect
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy
from backend.resilience.responses import DashboardErrorHandler

ERRORS_FILE = "errors"


@dataclass
class Kit:
    """What guards, counts and reports; with a fleet, in common with its other processes."""

    fleet: Fleet | None = None
    degradation: GracefulDegradation = field(default_factory=GracefulDegradation)
    listeners: Listeners = field(default_factory=Listeners)
    aggregator: ErrorAggregator = field(init=False)
    guards: Guards = field(init=False)
    errors: DashboardErrorHandler = field(init=False)

    def __post_init__(self) -> None:
        fleet = self.fleet
        self.aggregator = ErrorAggregator(shared=fleet.errors() if fleet else None)
        self.guards = Guards(
            aggregator=self.aggregator,
            degradation=self.degradation,
            listeners=self.listeners,
            storage=fleet.breaker_storage if fleet else None,
            budget=fleet.budget if fleet else None,
        )
        self.errors = DashboardErrorHandler(aggregator=self.aggregator)
        for name in FEATURES:
            self.degradation.register_feature(name)


def keep_errors(kit: Kit, settings: Settings) -> None:
    """Let the errors outlive this process in the data directory; those of a fleet are kept by its Redis."""
    if kit.fleet is None:
        kit.aggregator.keep_in(ErrorJournal(settings.data_dir / ERRORS_FILE))


def make_fleet(settings: Settings) -> Fleet | None:
    """Return the membership in the fleet of all processes on this Redis; None without one."""
    if settings.redis_url is None:
        return None
    return connect(settings.redis_url, installation=installation(settings.redis_url))


def installation(redis_url: str) -> str:
    """Return what tells this installation from others on the same Redis: messages do not keep to a database number."""
    number = urlsplit(redis_url).path.strip("/")
    return f"main-{number}" if number.isdigit() and number != "0" else "main"


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
