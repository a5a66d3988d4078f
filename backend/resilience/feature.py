"""A feature: something that the program does, which can be switched off without stopping the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision over a feature. It holds until it is taken back or, where `until` is set, ends."""

    enabled: bool
    reason: str
    author: str
    until: datetime | None = None


@dataclass(slots=True)
class Feature:
    """One feature's state: what its failures say (`healthy`), and what a person says (`override`), which goes first.

    `managed` means that a breaker watches over it: it finds out about recovery by itself, and rejects cheaply.
    `worked` means that it has succeeded since the start, so that its going off is news.
    """

    name: str
    fallbacks: Sequence[Any] = field(default=())
    healthy: bool = True
    failures: int = 0
    reason: str | None = None
    managed: bool = False
    worked: bool = False
    next_probe: float = 0.0
    override: Override | None = None

    @property
    def enabled(self) -> bool:
        """Whether it is on."""
        return self.override.enabled if self.override is not None else self.healthy

    @property
    def why_off(self) -> str | None:
        """Why it is off, None while it is on."""
        if self.enabled:
            return None
        return self.override.reason if self.override is not None else self.reason
