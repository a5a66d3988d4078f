"""One line of a panel's ledger: what a source has given, how old that is, and why there is no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from backend.errors import DashboardError, FeatureDisabledError, UpstreamRejectedError
from backend.resilience.clock import SYSTEM_CLOCK, Clock


class SourceLine:
    """The fortunes of one source.

    Args:
        ttl: seconds for which what it gave counts as live.
        setting: environment name of its address, for the suggestion.
        needs: environment name of what it lacks to work at all, else "".
    """

    def __init__(
        self, name: str, title: str, *, ttl: float, setting: str, needs: str = "", clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.name = name
        self.title = title
        self.ttl = ttl
        self.as_of: datetime | None = None
        self.next_try: datetime | None = None
        self.records = 0
        self.error: DashboardError | None = None
        self.needs = needs
        self._setting = setting
        self._clock = clock
        self._kept = False
        self._via = ""

    def confirmed(self, records: int, as_of: datetime | None = None, via: str = "") -> None:
        """Note that what is shown of it is what it has now, or had at `as_of`; `via` names a way not its own."""
        self._via = via
        self.as_of = as_of or self._clock.now()
        self.records = records
        self.error = None
        self._kept = False

    def kept(self, records: int, as_of: datetime) -> None:
        """Note that what is shown of it is from before a restart, confirmed then at `as_of`."""
        self.as_of = as_of
        self.records = records
        self._kept = True

    def failed(self, error: DashboardError) -> None:
        """Note why the last try gave nothing. A rejected call says less than the failure that led to it."""
        known = self.error
        says_more = error.counts_as_failure or isinstance(error, FeatureDisabledError)
        if known is None or isinstance(known, FeatureDisabledError) or says_more:
            self.error = error

    def due_in(self, seconds: float) -> None:
        """Note when it is tried next."""
        self.next_try = self._clock.now() + timedelta(seconds=seconds)

    @property
    def status(self) -> str:
        """live, stale, error, loading, not_configured or disabled."""
        if self.needs:
            return "not_configured"
        if isinstance(self.error, FeatureDisabledError):
            return "disabled"
        if self.as_of is None:
            return "error" if self.error else "loading"
        return "stale" if self.error or self.expired or self._kept else "live"

    @property
    def expired(self) -> bool:
        """Whether what it gave is older than its ttl."""
        return self.as_of is not None and (self._clock.now() - self.as_of).total_seconds() > self.ttl

    @property
    def reason(self) -> str:
        """What went wrong, for a person; empty where nothing did."""
        if self.error:
            return self.error.message
        return "Kept from before the restart; its first answer is awaited." if self._kept else ""

    def entry(self, circuit_breaker: str) -> dict[str, Any]:
        """Return the ledger's entry; see SourceEntrySchema."""
        entry: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "status": self.status,
            "as_of": _iso(self.as_of),
            "records": self.records,
            "next_try": _iso(self.next_try),
            "circuit_breaker": circuit_breaker,
        }
        if self._via:
            entry["via"] = self._via
        if self.needs:
            entry["suggestion"] = f"Set {self.needs}; the README says where to get it."
        elif self.error is not None:
            entry["error"] = self.reason
            entry["suggestion"] = self._suggestion(self.error)
        return entry

    def _suggestion(self, error: DashboardError) -> str:
        if isinstance(error, FeatureDisabledError | UpstreamRejectedError):
            return error.suggestion
        if self.as_of is not None:
            return "It is tried again by itself; the data that is at hand stays on show."
        return f"Check the network and the address in {self._setting}, or look at the demo: python run.py demo"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
