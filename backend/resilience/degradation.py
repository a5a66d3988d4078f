"""Graceful degradation: features that a person or their failures switch off, and what is given instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.errors import FeatureDisabledError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import FeatureChanged, Listeners
from backend.resilience.locks import RLock


@dataclass
class _Feature:
    enabled: bool
    fallback: Any
    reason: str | None = None
    author: str | None = None
    failures: int = 0
    off_since: float = 0.0


class GracefulDegradation:
    """The features of a program.

    Args:
        failure_threshold: so many failures in a row switch a feature off.
        recovery_seconds: then it is tried again; a success switches it on.
        clock: asked for the time.
    """

    def __init__(
        self, *, failure_threshold: int = 5, recovery_seconds: float = 60.0, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.listeners = Listeners()
        self._threshold = failure_threshold
        self._recovery = recovery_seconds
        self._clock = clock
        self._lock = RLock()
        self._features: dict[str, _Feature] = {}

    def register_feature(self, name: str, enabled: bool = True, fallback: Any = None) -> None:
        """Make a feature known. A fallback that can be called is called with the arguments of the call it replaces."""
        with self._lock:
            self._features[name] = _Feature(enabled, fallback)

    def names(self) -> list[str]:
        """Return the names of all features."""
        return list(self._features)

    def is_enabled(self, name: str) -> bool:
        """Tell whether a feature is on; one that nobody registered is not."""
        feature = self._features.get(name)
        return feature is not None and feature.enabled

    def reason(self, name: str) -> str | None:
        """Return why a feature is off."""
        feature = self._features.get(name)
        return feature.reason if feature and not feature.enabled else None

    def is_manual(self, name: str) -> bool:
        """Tell whether a person switched the feature off."""
        feature = self._features.get(name)
        return feature is not None and not feature.enabled and feature.author is not None

    def get_fallback(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Return what is given in place of the feature."""
        feature = self._features.get(name)
        fallback = feature.fallback if feature else None
        return fallback(*args, **kwargs) if callable(fallback) else fallback

    def enable_feature(self, name: str, *, author: str | None = None) -> None:
        """Switch a feature on."""
        self._switch(name, True, None, author)

    def disable_feature(self, name: str, reason: str = "", *, author: str | None = "manual") -> None:
        """Switch a feature off by hand: it stays off until it is switched on."""
        self._switch(name, False, reason, author)

    def execute_with_fallback(self, name: str, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call `func` while the feature is on; otherwise, and when it fails, give the fallback."""
        if not self._may_try(name):
            return self._instead(name, None, args, kwargs)
        try:
            result = func(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - any failure of a feature leads to its fallback, that is its purpose
            self.record_failure(name, error)
            return self._instead(name, error, args, kwargs)
        self.record_success(name)
        return result

    def record_failure(self, name: str, error: BaseException | None = None) -> None:
        """Count a failure; the threshold switches the feature off."""
        feature = self._features.get(name)
        if feature is None:
            return
        feature.failures += 1
        if feature.failures >= self._threshold and feature.enabled:
            self._switch(name, False, f"failed {feature.failures} times in a row: {error}", None)
        elif not feature.enabled:
            feature.off_since = self._clock.monotonic()

    def record_success(self, name: str) -> None:
        """Count a success; it switches on what failures switched off."""
        feature = self._features.get(name)
        if feature is None:
            return
        feature.failures = 0
        if not feature.enabled and feature.author is None:
            self._switch(name, True, None, None)

    def disable_automatically(self, name: str, reason: str) -> None:
        """Switch off because of failures seen elsewhere (a breaker). What a person switched off is left alone."""
        feature = self._features.get(name)
        if feature is not None and feature.enabled:
            self._switch(name, False, reason, None)

    def enable_automatically(self, name: str) -> None:
        """Switch on what `disable_automatically` switched off, and nothing else."""
        feature = self._features.get(name)
        if feature is not None and not feature.enabled and feature.author is None:
            self._switch(name, True, None, None)

    def _may_try(self, name: str) -> bool:
        feature = self._features.get(name)
        if feature is None or feature.enabled:
            return True
        due = self._clock.monotonic() - feature.off_since >= self._recovery
        if feature.author is None and due:
            feature.off_since = self._clock.monotonic()
            return True
        return False

    def _instead(self, name: str, error: BaseException | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        feature = self._features.get(name)
        if feature is None or feature.fallback is None:
            if error is not None:
                raise error
            raise FeatureDisabledError(f"feature {name} is off: {self.reason(name)}", name=name)
        return self.get_fallback(name, *args, **kwargs)

    def _switch(self, name: str, enabled: bool, reason: str | None, author: str | None) -> None:
        with self._lock:
            feature = self._features.setdefault(name, _Feature(True, None))
            changed = feature.enabled != enabled
            feature.enabled, feature.reason, feature.author = enabled, reason, author
            feature.off_since = self._clock.monotonic()
            if enabled:
                feature.failures = 0
        if changed:
            self.listeners.notify(FeatureChanged(name, enabled, reason, author, self._clock.now()))


graceful_degradation = GracefulDegradation()
