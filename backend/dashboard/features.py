"""Features as administrators handle them: state, reset, off and on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from backend.dashboard.audit.log import AuditLog
from backend.errors import NotFoundError
from backend.resilience.degradation import GracefulDegradation
from backend.resilience.guard import Guards

FEATURES = ("grok_chat", "threat_intelligence", "community_pulse", "scan_processing", "dashboard_data")
ALIASES: Mapping[str, str] = {
    "chat": "grok_chat",
    "intel": "threat_intelligence",
    "pulse": "community_pulse",
    "scans": "scan_processing",
    "data": "dashboard_data",
}


class FeatureService:
    """Reads and switches features.

    Args:
        guards: know the breakers behind each feature.
        degradation: knows what is switched off.
        audit: notes who did it.
        decision: in its block a decision is made about a feature, for a reason by an author; tells other workers.
    """

    def __init__(
        self,
        guards: Guards,
        degradation: GracefulDegradation,
        audit: AuditLog,
        *,
        decision: Callable[[str, str, str], AbstractContextManager[object]] = lambda *_: nullcontext(),
    ) -> None:
        self._guards = guards
        self._degradation = degradation
        self._audit = audit
        self._decision = decision

    def status(self) -> dict[str, Any]:
        """Return each feature's state by its name."""
        return dict(self._guards.feature_status())

    def reset(self, feature: str, *, by: str) -> str:
        """Close the breakers of a feature, enable it, and return its name.

        Raises:
            NotFoundError: there is no such feature or alias.
        """
        name = self._name(feature)
        with self._decision(name, "reset", by):
            self._guards.reset(name, author=by)
        self._audit.note(by, "reset_circuit_breaker", name)
        return name

    def disable(self, feature: str, reason: str, *, by: str, seconds: float | None = None) -> str:
        """Switch a feature off until it is enabled by hand, or for `seconds`, and return its name.

        Raises:
            NotFoundError: there is no such feature or alias.
        """
        name = self._name(feature)
        with self._decision(name, reason, by):
            self._degradation.disable_feature(name, reason, author=by, seconds=seconds)
        self._audit.note(by, "disable_feature", name, reason=reason, **({"seconds": seconds} if seconds else {}))
        return name

    def enable(self, feature: str, *, by: str) -> str:
        """Switch a feature on again, and return its name.

        Raises:
            NotFoundError: there is no such feature or alias.
        """
        name = self._name(feature)
        with self._decision(name, "", by):
            self._degradation.enable_feature(name, author=by)
        self._audit.note(by, "enable_feature", name)
        return name

    @staticmethod
    def _name(feature: str) -> str:
        name = ALIASES.get(feature, feature)
        if name not in FEATURES:
            raise NotFoundError(
                f"no feature {feature[:60]!r}; there are {', '.join(FEATURES)} and the aliases {', '.join(ALIASES)}"
            )
        return name
