"""What the kit tells those who listen, and the list of listeners.

A listener runs after the change, outside every lock, and cannot alter it: if it raises, that is logged and the next
one runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class CallFinished:
    """A guarded call is over.

    `outcome` is success, failure, ignored (an answer that says nothing about the dependency's health), cancelled,
    rejected (never made) or fallback (rejected or failed, but answered from the fallback); `seconds` is its duration.
    """

    name: str
    feature: str
    outcome: str
    seconds: float
    error: BaseException | None = None


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
        self._callbacks: tuple[Callable[[Any], object], ...] = ()

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def subscribe(self, callback: Callable[[Any], object]) -> Callable[[], None]:
        """Add a callback and return the function that takes it away again (more than once does no harm)."""
        entry = _Entry(callback)
        self._callbacks = (*self._callbacks, entry)

        def unsubscribe() -> None:
            self._callbacks = tuple(known for known in self._callbacks if known is not entry)

        return unsubscribe

    def notify(self, event: Any) -> None:
        """Tell everyone, in the order of subscription; one that raises is logged and does not stop the others."""
        for callback in self._callbacks:
            try:
                callback(event)
            except Exception:  # noqa: BLE001 - whatever a listener does must not change the outcome it is told about
                _log.exception("a listener failed on %s", type(event).__name__)


class _Entry:
    """Tells two subscriptions of one and the same callback apart."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callable[[Any], object]) -> None:
        self._callback = callback

    def __call__(self, event: Any) -> object:
        return self._callback(event)
