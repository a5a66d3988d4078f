"""Keeps one source fresh: asks it through its guard, writes its ledger line, decides when to ask again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from backend.dashboard.sourcing.line import SourceLine
from backend.dashboard.sourcing.refresher import Refresher, Wait, wait_for
from backend.errors import CircuitBreakerOpenError, DashboardError, DeadlineExceededError, RateLimitedError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.sources.base import Source, Validators

FIRST_RETRY_SECONDS = 5.0
LONGEST_ASKED_WAIT = 3600.0
AFTER_OPEN = 0.05
"""Seconds by which a try comes later than the breaker admits it, so that it is not rejected by a hair."""
TTL_REFRESHES = 2.0
NEVER = 86_400.0
"""Seconds between two looks at a source that lacks a setting: nothing comes of them before a restart."""


class Batch(Protocol):
    """What a source's fetch returns, as far as keeping it fresh goes."""

    @property
    def not_modified(self) -> bool: ...
    @property
    def skipped(self) -> int: ...
    @property
    def validators(self) -> Validators | None: ...


class SourceKeeper:
    """One source, its guard, its line and its loop.

    Args:
        source: name, title and times.
        guard: the way to it.
        fetch: fetches once, given the validators of the batch that was last accepted.
        accept: takes in a batch, or the news that nothing changed, and returns how many records are shown of it.
        changed: told after every attempt.
        log: where its lines go, and the marker they begin with while it was never reached.
        waiting: tells that there is nothing to ask for yet; such an attempt is skipped.
        wait: see Refresher.
    """

    def __init__(
        self,
        source: Source,
        guard: Guard,
        *,
        fetch: Callable[[Validators | None], Any],
        accept: Callable[[Any], int],
        changed: Callable[[], None],
        record_error: Callable[..., object],
        log: logging.Logger,
        marker: str,
        waiting: Callable[[], bool] = lambda: False,
        clock: Clock = SYSTEM_CLOCK,
        wait: Wait = wait_for,
    ) -> None:
        self.source = source
        self.guard = guard
        ttl = TTL_REFRESHES * source.refresh_seconds
        needs = getattr(source, "needs", "")
        self.line = SourceLine(source.name, source.title, ttl=ttl, setting=source.setting, needs=needs, clock=clock)
        self.refresher = Refresher(self.attempt, self.delay, wait=wait)
        self._fetch = fetch
        self._accept = accept
        self._changed = changed
        self._record_error = record_error
        self._log = log
        self._marker = marker
        self._waiting = waiting
        self._clock = clock
        self._validators: Validators | None = None
        self._failures = 0
        self._told = ""
        self._soon: float | None = None  # seconds until the next attempt, where the source or its limit says so

    def attempt(self) -> None:
        """Ask the source once. Whatever happens is written on its line; nothing is raised."""
        if self.line.needs or self._waiting():
            return
        began = self._clock.monotonic()
        batch = self._ask()
        if batch is not None:
            self._take(batch, began)
        self.line.due_in(self.delay())
        self._changed()

    def _ask(self) -> Any:
        """Return the source's batch, None where there is none."""
        self._soon = None
        try:
            return self.guard.call(self._fetch, self._validators, deadline=self._patience())
        except RateLimitedError as error:  # our own limit for it: nothing was asked, so nothing is to be told
            self._soon = error.retry_after
        except DashboardError as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the loop; the guard has recorded it
            self._crashed(error)
        return None

    def _take(self, batch: Any, began: float) -> None:
        try:
            records = self._accept(batch)
        except Exception as error:  # noqa: BLE001 - as above, and recorded here because no guard saw it
            feature = f"{self.guard.feature}_failure"
            self._record_error(feature, f"{type(error).__name__}: {error}", {"dependency": self.line.name})
            self._crashed(error)
        else:
            self._validators = batch.validators
            self._soon = getattr(batch, "again_in", None)
            self._succeeded(batch, records, self._clock.monotonic() - began)

    def delay(self) -> float:
        """Return the seconds until the next attempt.

        After a failure it is made sooner than usual, with growing waits; once the breaker is open, when that admits
        it; and never before the time that the source asked for, of which an hour is waited at most.
        """
        every = self.source.refresh_seconds
        if self.line.needs:
            return NEVER
        if self._soon is not None:
            return self._soon
        if self._failures == 0 and self.line.error is None:
            return every
        opens = self.guard.breaker.retry_after
        growing = min(every, FIRST_RETRY_SECONDS * 2.0 ** min(max(self._failures - 1, 0), 30))
        asked = getattr(self.line.error, "asked_to_wait", None) or 0.0
        return max(growing if opens is None else opens + AFTER_OPEN, min(float(asked), LONGEST_ASKED_WAIT))

    @property
    def validators(self) -> Validators | None:
        """What the next request needs to know of the batch that was accepted last."""
        return self._validators

    def put_back(self, records: int, as_of: datetime, validators: Validators | None) -> None:
        """Begin with what was accepted before a restart."""
        if self.line.as_of is None and not self.line.needs:
            self._validators = validators
            self.line.kept(records, as_of)

    def entry(self) -> dict[str, Any]:
        """Return the ledger's entry."""
        return self.line.entry(self.guard.breaker.state)

    def is_fresh(self, seconds: float) -> bool:
        """Whether the last attempt succeeded and is not older than `seconds`."""
        line = self.line
        return (
            line.error is None and line.as_of is not None and (self._clock.now() - line.as_of).total_seconds() < seconds
        )

    def _patience(self) -> float:
        """Return the longest that one attempt may take with all its tries and the waits between."""
        policy = self.guard.policy
        return policy.attempts * policy.timeout + (policy.attempts - 1) * policy.max_delay

    def _succeeded(self, batch: Batch, records: int, seconds: float) -> None:
        first = self.line.as_of is None
        recovered = self._failures > 0 and not first
        self.line.confirmed(records, getattr(batch, "as_of", None), getattr(batch, "via", ""))
        self._failures, self._told = 0, ""
        if batch.not_modified and not recovered:
            self._log.debug("%s %s: unchanged, %d records", self._marker, self.line.title, records)
            return
        level = logging.INFO if first or recovered else logging.DEBUG
        again = " again" if recovered else ""
        left_out = f", {batch.skipped} could not be read" if batch.skipped else ""
        text = "✅ %s answers%s: %d records in %.2f s%s"
        self._log.log(level, text, self.line.title, again, records, seconds, left_out)

    def _failed(self, error: DashboardError) -> None:
        if isinstance(error, DeadlineExceededError):
            limit = self.guard.policy.timeout
            error = DeadlineExceededError(str(error), message=f"The source did not answer within {limit:g} s.")
        if not isinstance(error, CircuitBreakerOpenError):
            self._failures += 1
        self.line.failed(error)
        self._tell(error)

    def _crashed(self, error: Exception) -> None:
        self._failures += 1
        self.line.failed(DashboardError(str(error), message="Its answer could not be worked on; the log says why."))
        if self._told != "crash":
            self._log.error("❌ %s: its answer could not be worked on", self.line.title, exc_info=error)
        self._told = "crash"

    def _tell(self, error: DashboardError) -> None:
        """Log a failure once for each state, quietly as long as the source was never reached (an offline start)."""
        state = error.code
        first_time = state != self._told
        self._told = state
        text = "%s %s: %s Next try in %.0f s"
        if self.line.as_of is None:
            level = logging.INFO if first_time else logging.DEBUG
            self._log.log(level, text, self._marker, self.line.title, error.message, self.delay())
        else:
            level = logging.WARNING if first_time else logging.DEBUG
            self._log.log(level, text, "⚠️", self.line.title, error.message, self.delay())
