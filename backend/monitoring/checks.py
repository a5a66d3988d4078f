"""What each part says of itself: database, cache, every source, the language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from backend.errors import DashboardError
from backend.monitoring.health import DEGRADED, HEALTHY, NOT_CONFIGURED, UNHEALTHY, Check
from backend.resilience.guard import Guards
from backend.storage.database import Database, rows

Ledger = Callable[[], Sequence[Mapping[str, Any]]]

_BY_SOURCE_STATUS = {
    "live": HEALTHY,
    "stale": DEGRADED,
    "loading": DEGRADED,
    "error": UNHEALTHY,
    "disabled": DEGRADED,
    "not_configured": NOT_CONFIGURED,
}


class CheckedCache(Protocol):
    """The part of the cache that is checked."""

    def check(self) -> Mapping[str, str]:
        """Return status and, where it is not healthy, a message."""


class CheckedModel(Protocol):
    """The part of a language model that is checked without spending anything."""

    @property
    def configured(self) -> bool:
        """Whether it can be called at all."""


class Checks:
    """The health checks of this installation.

    Args:
        guards: has the guards `database` and `llm`.
        ledgers: return the state of each source.
    """

    def __init__(
        self,
        guards: Guards,
        database: Database,
        cache: CheckedCache,
        llm: CheckedModel,
        *,
        ledgers: Sequence[Ledger],
    ) -> None:
        self._guards = guards
        self._database = database
        self._cache = cache
        self._llm = llm
        self._ledgers = ledgers

    def all(self) -> dict[str, Check]:
        """Return every check by its name."""
        checks: dict[str, Check] = {"database": self.database, "cache": self._cache.check, "llm": self.llm}
        for ledger in self._ledgers:
            for entry in ledger():
                checks[str(entry["name"])] = _of_source(ledger, str(entry["name"]))
        return checks

    def database(self) -> Mapping[str, Any]:
        """Ask the database for one row."""

        def ask() -> object:
            return rows(self._database.execute_query("experiments", "select", columns="id", limit=1))

        try:
            self._guards["database"].call(ask)
        except DashboardError as error:
            return {"status": UNHEALTHY, "message": error.message}
        return {"status": HEALTHY}

    def llm(self) -> Mapping[str, Any]:
        """Judge the model by its breaker: a call would cost money and time."""
        if not self._llm.configured:
            return {"status": NOT_CONFIGURED, "message": "No language model is set; the chat answers from local data."}
        state = self._guards["llm"].breaker.state
        if state == "closed":
            return {"status": HEALTHY}
        return {"status": UNHEALTHY, "message": f"Its circuit breaker is {state.replace('_', ' ')}."}


def _of_source(ledger: Ledger, name: str) -> Check:
    def check() -> Mapping[str, Any]:
        entry = next(known for known in ledger() if known["name"] == name)
        outcome = {"status": _BY_SOURCE_STATUS.get(str(entry["status"]), UNHEALTHY)}
        if entry.get("error"):
            outcome["message"] = str(entry["error"])
        return outcome

    return check
