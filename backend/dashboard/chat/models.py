"""Which language models can be chosen: those that the provider lists, as far as the operator allows them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

from backend.dashboard.chat.payloads import reason
from backend.errors import DashboardError, ValidationError
from backend.llm.provider import LLMProvider
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.chat import MODEL_NAME

FRESH_SECONDS = 600.0
AGAIN_SECONDS = 30.0
PATIENCE_SECONDS = 8.0
MOST_MODELS = 300
_log = logging.getLogger("jupiter.chat")


class CallGuard(Protocol):
    """The part of a guard that the list needs."""

    def call(self, func: Callable[..., Any], /, *args: Any, deadline: float | None = None) -> Any:
        """Call `func` guarded."""


class Unguarded:
    """Calls directly."""

    def call(self, func: Callable[..., Any], /, *args: Any, deadline: float | None = None) -> Any:
        """Call `func`."""
        return func(*args)


class ModelCatalogue:
    """The provider's list of models, kept for a while, and kept on when it cannot be had again.

    Its guard is not the one of the answers: a server that answers questions and has no list is a good server.

    Args:
        llm: the provider.
        guard: every request for the list goes through it.
        allowed: names that may be chosen, `*` for any end; empty: all that are listed.
        fresh_seconds: how long a list is taken for new.
    """

    def __init__(
        self,
        llm: LLMProvider,
        guard: CallGuard,
        *,
        allowed: Sequence[str] = (),
        clock: Clock = SYSTEM_CLOCK,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._llm = llm
        self._guard = guard
        self._allowed = tuple(allowed)
        self._clock = clock
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._as_of: str | None = None
        self._error: DashboardError | None = None
        self._next = 0.0

    def show(self) -> dict[str, Any]:
        """Return the list with its age, and why there is no newer one; see ModelsSchema."""
        if self._llm.configured:
            self._refresh()
        shown: dict[str, Any] = {
            "provider": self._llm.name,
            "configured": self._llm.configured,
            "default": self._llm.model,
            "models": self._choice(),
            "as_of": self._as_of,
            "stale": self._error is not None,
        }
        return shown if self._error is None else {**shown, "reason": reason(self._error)}

    def chosen(self, name: str | None) -> str:
        """Return the model that a person has chosen, empty for the one that is set.

        Raises:
            ValidationError: it cannot be chosen.
        """
        if not name or name == self._llm.model:
            return ""
        if name not in self._choice():
            self._refresh()
        if name not in self._choice():
            raise ValidationError("unknown model", details={"model": ["It is not one of the models to choose from."]})
        return name

    def _choice(self) -> list[str]:
        names = [name for name in self._names if self._may(name)]
        return names if not self._llm.model or self._llm.model in names else [self._llm.model, *names]

    def _may(self, name: str) -> bool:
        return not self._allowed or any(fnmatchcase(name, pattern) for pattern in self._allowed)

    def _refresh(self) -> None:
        """Ask for the list if it is not fresh; callers at the same time share one request."""
        if self._clock.monotonic() < self._next:
            return
        with self._lock:
            if self._clock.monotonic() < self._next:
                return
            try:
                names = self._guard.call(self._llm.models, deadline=PATIENCE_SECONDS)
            except DashboardError as error:
                self._error = error
                self._next = self._clock.monotonic() + AGAIN_SECONDS
                _log.info("⚠️ The models cannot be listed: %s", error.message)
                return
            self._names = [name for name in map(str, names) if MODEL_NAME.match(name)][:MOST_MODELS]
            self._as_of, self._error = self._clock.now().isoformat(), None
            self._next = self._clock.monotonic() + self._fresh_seconds
