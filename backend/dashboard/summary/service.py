"""The summary of a person's experiments: whatever the database does, there is an answer that says what it is.

Its parts fail one by one: what is missing is shown from the last whole summary, or as nothing, and named under
`errors`. Such a partial summary is not kept. When all parts fail the last whole one is shown, marked as stale.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from backend import runtime
from backend.cache.service import CacheService
from backend.dashboard.experiments.queued import summary_key
from backend.dashboard.experiments.service import experiments_tag
from backend.dashboard.summary.parts import PARTS, SummaryParts, nothing
from backend.errors import (
    CircuitBreakerOpenError,
    DashboardError,
    DatabaseError,
    DeadlineExceededError,
    FeatureDisabledError,
)
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import earliest
from backend.resilience.guard import Guard
from backend.schemas.experiments import DEFAULT_RULES, ExperimentRules
from backend.security import acting
from backend.storage.database import Database

logger = logging.getLogger("jupiter.data")

DEGRADED = "Service temporarily degraded, showing cached data"
NOTHING_TO_SHOW_SECONDS = 60.0
PART_FAILED = "This part could not be loaded."


class SummaryService:
    """Makes summaries and keeps them.

    Args:
        database: where the experiments are.
        cache: where summaries are kept.
        guard: of the database.
        clock: for timestamps and the last seven days.
        spawn: runs the parts beside each other.
        ttl: seconds for which a summary is shown without asking the database; a change of an experiment ends it.
        stale: seconds after that for which it is kept for bad times.
        deadline_seconds: for all parts together.
        rules: which types and statuses there are; others are counted as `other`.
    """

    def __init__(
        self,
        database: Database,
        cache: CacheService,
        guard: Guard,
        *,
        clock: Clock = SYSTEM_CLOCK,
        spawn: Callable[..., runtime.Task] = runtime.spawn,
        ttl: float = 300.0,
        stale: float = 604_800.0,
        deadline_seconds: float = 8.0,
        rules: ExperimentRules = DEFAULT_RULES,
    ) -> None:
        self._parts = SummaryParts(database, clock=clock, rules=rules)
        self._cache = cache
        self._guard = guard
        self._clock = clock
        self._spawn = spawn
        self._ttl = ttl
        self._stale = stale
        self._deadline_seconds = deadline_seconds

    def summary(self, user_id: str, force_refresh: bool = False, *, patient: bool = False) -> dict[str, Any]:
        """Return the summary of a person's experiments.

        Args:
            force_refresh: ask the database even if a fresh summary is kept.
            patient: rather wait for a slow database than take an outdated summary that is kept.

        Raises:
            CircuitBreakerOpenError: the database is not asked at the moment and nothing is kept; with fallback_data.
            DatabaseError: the database fails and nothing is kept; with fallback_data.
        """
        try:
            answer = self._cache.get_or_compute(
                summary_key(user_id), force=force_refresh, patient=patient, **self._how(user_id)
            )
        except DashboardError as error:
            raise self._unavailable(error) from error
        if answer.state == "stale":
            return {**answer.value, "stale": True, "message": DEGRADED}
        if answer.state == "computed":
            return {**answer.value, "cached": False, "cache_timestamp": None}
        return dict(answer.value)

    def summary_bytes(self, user_id: str) -> tuple[bytes, str] | None:
        """Return a fresh summary as JSON and its entity tag (without quotes); None where none is kept."""
        found = self._cache.fresh(summary_key(user_id))
        if found is None:
            return None
        if self._cache.is_due(found):
            self._cache.refresh(summary_key(user_id), **self._how(user_id))
        return found.body, found.etag

    def invalidate(self, user_id: str) -> None:
        """Have the next summary computed anew; the one that is kept stays for bad times."""
        self._cache.invalidate(summary_key(user_id))

    def _how(self, user_id: str) -> dict[str, Any]:
        return {
            # A flight has a context of its own; the rows are still this person's, to be read in their name.
            "compute": acting.carried(lambda: self._compute(user_id)),
            "ttl": self._ttl,
            "stale": self._stale,
            "tags": (experiments_tag(user_id),),
            "keep": _is_whole,
        }

    def _compute(self, user_id: str) -> dict[str, Any]:
        """Return the summary as it is kept and shown from the cache."""
        found, errors = self._gather(user_id)
        if len(errors) == len(PARTS):
            raise _gravest(errors)
        counted = {"total_experiments": len(found.get("experiments", ()))}  # better than 0 where nothing else is known
        summary = nothing() | counted | self._last_known(user_id, errors) | found
        now = self._clock.now().isoformat()
        summary |= {"timestamp": now, "partial_failure": bool(errors), "cached": True, "cache_timestamp": now}
        if errors:
            summary["errors"] = {name: _public(error) for name, error in errors.items()}
        return summary

    def _gather(self, user_id: str) -> tuple[dict[str, Any], dict[str, Exception]]:
        """Run the parts beside each other; return what they found and the errors of those that failed."""
        limit = earliest(self._deadline_seconds, self._clock)
        found: dict[str, Any] = {}
        errors: dict[str, Exception] = {name: DeadlineExceededError(f"{name} did not come to an end") for name in PARTS}

        def run(name: str, part: Callable[[str], dict[str, Any]]) -> None:
            try:
                found.update(self._guard.call(part, user_id, deadline=limit))
                del errors[name]
            except Exception as error:  # noqa: BLE001 - a part that fails must not take the others with it
                errors[name] = error
                _log(name, error)

        tasks = [self._spawn(run, name, getattr(self._parts, name)) for name in PARTS]
        for task in tasks:
            task.wait()
        return found, errors

    def _last_known(self, user_id: str, errors: Mapping[str, Exception]) -> dict[str, Any]:
        kept = (self._cache.get_stale(summary_key(user_id)) or {}) if errors else {}
        return {name: kept[name] for part in errors for name in PARTS[part] if name in kept}

    def _unavailable(self, error: DashboardError) -> DashboardError:
        """Return the error that the doors answer with when there is nothing at all to show."""
        minimal = nothing() | {
            "timestamp": self._clock.now().isoformat(),
            "partial_failure": True,
            "cached": False,
            "cache_timestamp": None,
        }
        if isinstance(error, CircuitBreakerOpenError):
            # Not the breaker's own retry_after: without one the class gives the 60 s that clients may rely on.
            kind = FeatureDisabledError if isinstance(error, FeatureDisabledError) else CircuitBreakerOpenError
            return kind(
                str(error),
                name=error.name,
                state=error.state,
                last_cause=error.last_cause,
                fallback_data=minimal,
            )
        return DatabaseError(str(error), retry_after=NOTHING_TO_SHOW_SECONDS, fallback_data=minimal)


def _is_whole(summary: Mapping[str, Any]) -> bool:
    return not summary["partial_failure"]


def _gravest(errors: Mapping[str, Exception]) -> DashboardError:
    """A failure tells more than the rejections that it caused; what nobody expected counts as the database's."""
    by_weight = sorted(errors.values(), key=lambda error: isinstance(error, CircuitBreakerOpenError))
    gravest = by_weight[0]
    return gravest if isinstance(gravest, DashboardError) else DatabaseError(f"{type(gravest).__name__}: {gravest}")


def _public(error: Exception) -> str:
    return error.message if isinstance(error, DashboardError) else PART_FAILED


def _log(part: str, error: Exception) -> None:
    if isinstance(error, CircuitBreakerOpenError):
        return  # said when it opened, not at every call it rejects
    unexpected = None if isinstance(error, DashboardError) else error
    logger.error("❌ Summary without %s: %s", part.replace("_", " "), error, exc_info=unexpected)
