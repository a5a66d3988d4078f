"""Graceful degradation: features that a person or their failures switch off, and what is given instead.

Two voices decide over a feature. Its failures: so many in a row switch it off, after a while one call is let through,
and its success switches it on. And a person: a manual override, on or off, holds against whatever the failures say,
until it is taken back or its time is up.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

from backend.errors import FeatureDisabledError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import FeatureChanged, Listeners
from backend.resilience.fallback import MISSING, calls_for_fallback, resolve_chain
from backend.resilience.feature import Feature, Override
from backend.resilience.locks import RLock
from backend.resilience.redaction import described, redact_text

_log = logging.getLogger("jupiter.resilience")


class UnknownFeatureError(KeyError):
    """No feature was registered under that name."""


class GracefulDegradation:
    """The features of a program.

    Args:
        failure_threshold: so many failures in a row switch a feature off.
        recovery_seconds: after that time off, one call is let through to see whether it works again.
        history: so many changes are remembered.
        clock: asked for the time.
        listeners: told of each change with a `FeatureChanged`.
    """

    def __init__(
        self,
        *,
        failure_threshold: int = 5,
        recovery_seconds: float = 60.0,
        history: int = 200,
        clock: Clock = SYSTEM_CLOCK,
        listeners: Listeners | None = None,
    ) -> None:
        self.listeners = listeners if listeners is not None else Listeners()
        self._threshold = failure_threshold
        self._recovery = recovery_seconds
        self._clock = clock
        self._lock = RLock()
        self._features: dict[str, Feature] = {}
        self._history: deque[FeatureChanged] = deque(maxlen=history)

    # Registration

    def register_feature(
        self, name: str, enabled: bool = True, fallback: Any = MISSING, *, fallbacks: Sequence[Any] = ()
    ) -> Feature:
        """Make a feature known, or change its fallbacks. What was decided about it before stays in force.

        Args:
            name: its name.
            enabled: False registers it as switched off.
            fallback: a value, or a function that gets the arguments of the call it stands in for, if it takes them.
            fallbacks: further ones, tried in order when the one before fails.
        """
        given = (() if fallback is MISSING else (fallback,)) + tuple(fallbacks)
        with self._lock:
            feature = self._features.setdefault(name, Feature(name))
            feature.fallbacks = given or feature.fallbacks
            if not enabled and feature.override is None:
                feature.override = Override(False, "switched off when it was registered", "configuration")
        return feature

    def names(self) -> list[str]:
        """Return the names of all features."""
        return list(self._features)

    # Questions

    def is_enabled(self, name: str) -> bool:
        """Tell whether a feature is on; one that nobody registered is not."""
        feature = self._features.get(name)
        if feature is None:
            return False
        self._end_override(feature)
        return feature.enabled

    def is_blocked(self, name: str) -> bool:
        """Tell whether a person has switched a feature off: then no call is made for it at all."""
        feature = self._features.get(name)
        return feature is not None and not self.is_enabled(name) and feature.override is not None

    def reason(self, name: str) -> str | None:
        """Return why a feature is off, None while it is on."""
        if self.is_enabled(name) or name not in self._features:
            return None
        return self._features[name].why_off

    def get_fallback(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return what is given in place of the feature; None where nothing was registered."""
        feature = self._features.get(name)
        return resolve_chain(feature.fallbacks, args, kwargs) if feature and feature.fallbacks else None

    def status(self) -> dict[str, dict[str, Any]]:
        """Return by feature: enabled, failures, reason, author and end of an override."""
        shown = {}
        for name, feature in list(self._features.items()):
            enabled, override = self.is_enabled(name), feature.override
            shown[name] = {
                "enabled": enabled,
                "failures": feature.failures,
                "reason": feature.why_off if override is None else override.reason,
                "author": override.author if override else None,
                "until": override.until.isoformat() if override and override.until else None,
            }
        return shown

    def history(self, name: str | None = None) -> list[FeatureChanged]:
        """Return the changes remembered, newest first, of one feature or of all."""
        with self._lock:
            changes = list(self._history)
        return [change for change in reversed(changes) if name in (None, change.name)]

    # Decisions of a person

    def enable_feature(self, name: str, reason: str = "", *, author: str = "manual") -> None:
        """Switch a feature on, and take back any override. Its failures may switch it off again."""
        self._decide(name, None, reason or None, author)

    def disable_feature(
        self, name: str, reason: str = "", *, author: str = "manual", seconds: float | None = None
    ) -> None:
        """Switch a feature off: it stays off until it is switched on, or for `seconds`."""
        self.override_feature(name, False, reason, author=author, seconds=seconds)

    def override_feature(
        self, name: str, enabled: bool, reason: str = "", *, author: str = "manual", seconds: float | None = None
    ) -> None:
        """Keep a feature on or off, whatever its failures say, until `enable_feature` or for `seconds`."""
        until = None if seconds is None else self._clock.now() + timedelta(seconds=seconds)
        self._decide(name, Override(enabled, reason, author, until), reason, author)

    # Calls

    def execute_with_fallback(self, name: str, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `func` while the feature is on; otherwise, and when it fails, give the fallback.

        Raises:
            UnknownFeatureError: nobody registered the feature.
            FeatureDisabledError: it is off and has no fallback.
            BaseException: what `func` raised, where there is no fallback, and what is the caller's own fault.
        """
        feature = self._known(name)
        if not self._may_try(feature):
            if not feature.fallbacks:
                raise FeatureDisabledError(f"feature {name} is off: {feature.why_off}", name=name)
            return resolve_chain(feature.fallbacks, args, kwargs)
        try:
            result = func(*args, **kwargs)
        except BaseException as error:
            if not calls_for_fallback(error):
                raise
            self.record_failure(name, error)
            if not feature.fallbacks:
                raise
            _log.warning("feature %s failed with %s, giving its fallback", name, type(error).__name__)
        else:
            self.record_success(name)
            return result
        return resolve_chain(feature.fallbacks, args, kwargs)

    def record_failure(self, name: str, error: BaseException | str | None = None) -> None:
        """Count a failure; enough in a row switch the feature off. An error that does not count is not counted."""
        if not getattr(error, "counts_as_failure", True):
            return
        feature = self._known(name)
        with self._lock:
            feature.failures += 1
            feature.next_probe = self._clock.monotonic() + self._recovery
            change = None
            if feature.failures >= self._threshold and feature.healthy:
                reason = f"{feature.failures} failures in a row, last: {_said(error)}"
                change = self._set_health(feature, False, reason)
        self._tell(change)

    def record_success(self, name: str) -> None:
        """Count a success; it switches on what failures switched off."""
        feature = self._known(name)
        feature.worked = True
        if feature.healthy and not feature.failures:
            return
        with self._lock:
            feature.failures = 0
            change = self._set_health(feature, True, None)
        self._tell(change)

    def disable_automatically(self, name: str, reason: str) -> None:
        """Switch off because a breaker has opened; what a person decided holds on."""
        self._manage(name, False, reason)

    def enable_automatically(self, name: str) -> None:
        """Switch on because a breaker has closed; what a person decided holds on."""
        self._manage(name, True, None)

    # Inside

    def _known(self, name: str) -> Feature:
        feature = self._features.get(name)
        if feature is None:
            near = get_close_matches(name, self._features, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UnknownFeatureError(f"no feature {name!r} is registered{hint}")
        return feature

    def _may_try(self, feature: Feature) -> bool:
        self._end_override(feature)
        if feature.enabled:
            return True
        if feature.override is not None:
            return False
        if feature.managed:
            return True  # its breaker rejects in microseconds, and is the one to find out about recovery
        with self._lock:
            now = self._clock.monotonic()
            if now < feature.next_probe:
                return False
            feature.next_probe = now + self._recovery  # the others wait; a prober that is lost holds them no longer
            return True

    def _manage(self, name: str, healthy: bool, reason: str | None) -> None:
        feature = self._known(name)
        with self._lock:
            feature.managed = not healthy
            if healthy:
                feature.failures = 0
            change = self._set_health(feature, healthy, reason)
        self._tell(change)

    def _set_health(self, feature: Feature, healthy: bool, reason: str | None) -> FeatureChanged | None:
        before = feature.enabled
        feature.healthy, feature.reason = healthy, reason
        return self._change(feature, before, reason, None)

    def _decide(self, name: str, override: Override | None, reason: str | None, author: str) -> None:
        with self._lock:
            feature = self._features.setdefault(name, Feature(name))
            before = feature.enabled
            feature.override = override
            if override is None:
                feature.healthy, feature.failures, feature.reason, feature.managed = True, 0, None, False
            change = self._change(feature, before, reason, author)
        self._tell(change)

    def _end_override(self, feature: Feature) -> None:
        override = feature.override
        if override is None or override.until is None or self._clock.now() < override.until:
            return
        with self._lock:
            if feature.override is not override:
                return
            before = feature.enabled
            feature.override = None
            change = self._change(feature, before, "the override has ended", override.author)
        self._tell(change)

    def _change(self, feature: Feature, before: bool, reason: str | None, author: str | None) -> FeatureChanged | None:
        if feature.enabled == before:
            return None
        change = FeatureChanged(feature.name, feature.enabled, reason, author, self._clock.now())
        self._history.append(change)
        return change

    def _tell(self, change: FeatureChanged | None) -> None:
        if change is not None:
            feature = self._features.get(change.name)
            # what never worked since the start is not news: the start without a network stays calm
            lost = not change.enabled and (change.author is not None or feature is None or feature.worked)
            _log.log(
                logging.WARNING if lost else logging.INFO,
                "feature %s is %s%s",
                change.name,
                "on" if change.enabled else "off",
                f": {change.reason}" if change.reason else "",
            )
            self.listeners.notify(change)


def _said(error: BaseException | str | None) -> str:
    if isinstance(error, BaseException):
        return redact_text(described(error), 200)
    return error or "not told"


graceful_degradation = GracefulDegradation()
