"""The database's guard for those who write: a call that fails because the database is away is made once more for the
outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.errors import (
    CircuitBreakerOpenError,
    DashboardError,
    DatabaseError,
    DeadlineExceededError,
    FeatureDisabledError,
    NetworkError,
)
from backend.resilience.deadline import Deadline
from backend.resilience.fallback import MISSING, calls_for_fallback, resolve
from backend.resilience.guard import Guard
from backend.storage.outbox.database import moment
from backend.storage.outbox.outbox import OutboxFullError

_AWAY = (DatabaseError, NetworkError, DeadlineExceededError, CircuitBreakerOpenError)
_NOT_AWAY = (OutboxFullError, FeatureDisabledError)  # what a person has switched off stays off


class OutboxGuard:
    """Does what the guard does. Functions given to it may be called twice, as by any guard that retries.

    Args:
        guard: of the database; its policy, breaker and name are this one's.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._guard, name)

    def call(
        self,
        func: Callable[..., Any],
        /,
        *args: Any,
        fallback: Any = MISSING,
        deadline: float | Deadline | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call `func`; see `Guard.call`. Where the database is away its writes are kept in the outbox.

        Raises:
            DashboardError: why the database cannot be asked, if `func` needs an answer of it.
        """
        try:
            return self._call(func, args, kwargs, deadline)
        except BaseException as error:
            if fallback is MISSING or not calls_for_fallback(error):
                raise
        return resolve(fallback)

    def _call(self, func: Callable[..., Any], args: Any, kwargs: Any, deadline: float | Deadline | None) -> Any:
        try:
            with moment(None):
                return self._guard.call(func, *args, deadline=deadline, **kwargs)
        except _AWAY as error:
            if isinstance(error, _NOT_AWAY):
                raise
            away: DashboardError = error
        with moment(away):
            return func(*args, **kwargs)
