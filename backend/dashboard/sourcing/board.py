"""The keepers of one panel together: started, stopped, asked and listed as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backend.dashboard.sourcing.keeper import SourceKeeper
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.deadline import Deadline
from backend.resilience.events import BreakerChanged, FeatureChanged

FRESH_ENOUGH = 5.0
FRESH_SCORES = 60.0
"""Seconds for which a successful answer serves a forced refresh too: those of an essential source, and of the others,
whose data changes once a day and costs many requests. Nobody's finger on a key is to get us banned somewhere."""
FRESH_SHARE = 30
"""An essential source that is asked often anyway is fresh for this part of the time between two fetches."""


class SourceBoard:
    """All keepers of a panel.

    Args:
        keepers: in the ledger's order.
        changed: told when a breaker or the feature changed, which the ledger shows.
    """

    def __init__(
        self, keepers: Sequence[SourceKeeper], *, changed: Callable[[], None], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.keepers = tuple(keepers)
        self._changed = changed
        self._clock = clock

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin all loops."""
        for keeper in self.keepers:
            keeper.refresher.start(spawn)

    def stop(self) -> None:
        """End all loops."""
        for keeper in self.keepers:
            keeper.refresher.stop()

    def ledger(self) -> list[dict[str, Any]]:
        """Return an entry for each source."""
        return [keeper.entry() for keeper in self.keepers]

    def ask(self, keepers: Sequence[SourceKeeper], limit: Deadline, *, force: bool) -> bool:
        """Ask sources and wait for them until `limit`; tell whether all are done.

        Args:
            force: ask all that have not answered just now; otherwise only those that are due.
        """
        wanted = [keeper for keeper in keepers if self._wanted(keeper, force)]
        flights = [keeper.refresher.ask() for keeper in wanted]
        return all(flight.wait(limit.remaining()) for flight in flights)

    def _wanted(self, keeper: SourceKeeper, force: bool) -> bool:
        if keeper.line.needs or self._is_waited_for(keeper):
            return False
        if force:
            every = keeper.source.refresh_seconds
            essential = keeper.source.essential
            return not keeper.is_fresh(
                min(FRESH_ENOUGH, every / FRESH_SHARE) if essential else min(FRESH_SCORES, every)
            )
        return keeper.line.next_try is None or keeper.line.next_try <= self._clock.now()

    def _is_waited_for(self, keeper: SourceKeeper) -> bool:
        """Whether the source has asked for time that is not over: nobody's impatience is a reason to ask it sooner."""
        asked, next_try = getattr(keeper.line.error, "asked_to_wait", None), keeper.line.next_try
        return bool(asked) and next_try is not None and next_try > self._clock.now()

    def wake(self, name: str) -> None:
        """Have a source asked now; another worker has just got something of it."""
        for keeper in self.keepers:
            if keeper.line.name == name:
                keeper.refresher.wake()

    def on_event(self, event: object) -> None:
        """Take an event of the kit; give this to `Listeners.subscribe`. A reset has the source asked at once."""
        if isinstance(event, BreakerChanged):
            mine = [keeper for keeper in self.keepers if keeper.line.name == event.name]
            woken = mine if event.new == "closed" else []
        elif isinstance(event, FeatureChanged):
            mine = [keeper for keeper in self.keepers if keeper.guard.feature == event.name]
            woken = [keeper for keeper in mine if event.enabled and keeper.line.status == "disabled"]
        else:
            return
        for keeper in woken:
            if not keeper.refresher.is_running:  # its own success closed the breaker: there is nothing to ask again
                keeper.refresher.wake()
        if mine:
            self._changed()
