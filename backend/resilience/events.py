"""What the kit tells those who listen, and the list of listeners.

A listener runs after the change, outside every lock, and cannot alter it: if it raises, that is logged and the next
one runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from backend.resilience.outcome import is_fault

_log = logging.getLogger("jupiter.resilience")
Callback = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class BreakerChanged:
    """A breaker went from one state to another.

    `retry_after` is the time in seconds until it admits a call again, None where it admits calls already.
    """

    name: str
    feature: str
    old: str
    new: str
    at: datetime
    reason: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class FeatureChanged:
    """A feature was switched on or off, by a person (`author`) or by its failures (no author)."""

    name: str
    enabled: bool
    reason: str | None
    author: str | None
    at: datetime


class CallFinished(NamedTuple):
    """A guarded call is over.

    `outcome` is success, failure, ignored (an error that says nothing about the dependency's health), cancelled or
    rejected (never made); `seconds` is its duration; `fallback` tells whether the caller got a fallback for it.
    """

    name: str
    feature: str
    outcome: str
    seconds: float
    error: BaseException | None = None
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A failed attempt (`attempt`, counted from 1) is followed by another one after `wait` seconds."""

    name: str
    feature: str
    attempt: int
    wait: float
    error: BaseException


@dataclass(frozen=True, slots=True)
class ErrorRecorded:
    """The aggregator took in an error; texts are redacted already."""

    type: str
    message: str
    at: datetime
    fingerprint: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)


class Listeners:
    """Callbacks of one argument, the event."""

    def __init__(self) -> None:
        self._entries: tuple[_Entry, ...] = ()
        self._by_kind: dict[type, tuple[Callback, ...]] = {}

    def subscribe(self, callback: Callback, *kinds: type) -> Callable[[], None]:
        """Add a callback and return the function that takes it away again (more than once does no harm).

        Args:
            callback: called with each event, in the order of subscription.
            kinds: classes of events that it wants; none for all.
        """
        entry = _Entry(callback, kinds)
        self._replace((*self._entries, entry))

        def unsubscribe() -> None:
            self._replace(tuple(known for known in self._entries if known is not entry))

        return unsubscribe

    def wants(self, kind: type) -> bool:
        """Tell whether anybody listens to this class of events: those on hot paths are not even made otherwise."""
        return bool(self._callbacks(kind))

    def notify(self, event: Any) -> None:
        """Tell everyone, in the order of subscription; one that raises is logged and does not stop the others."""
        for callback in self._callbacks(type(event)):
            try:
                callback(event)
            except BaseException as error:  # whatever a listener does must not change the outcome it is told about
                if not is_fault(error):
                    raise
                _log.exception("a listener failed on %s", type(event).__name__)

    def _replace(self, entries: tuple[_Entry, ...]) -> None:
        self._entries = entries
        self._by_kind = {}

    def _callbacks(self, kind: type) -> tuple[Callback, ...]:
        known = self._by_kind.get(kind)
        if known is None:
            cache, entries = self._by_kind, self._entries
            known = tuple(entry.callback for entry in entries if not entry.kinds or kind in entry.kinds)
            cache[kind] = known
        return known


class _Entry:
    """One subscription; two of the same callback are two."""

    __slots__ = ("callback", "kinds")

    def __init__(self, callback: Callback, kinds: tuple[type, ...]) -> None:
        self.callback = callback
        self.kinds = kinds
