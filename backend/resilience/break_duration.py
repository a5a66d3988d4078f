"""How long a breaker stays open: longer after each probe that failed, up to a cap, scattered by jitter."""

from __future__ import annotations

import random as _random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakDuration:
    """The length of a break.

    Args:
        seconds: of the first break.
        growth: factor for each further one until the circuit has been closed again; 1 keeps them alike.
        cap: no break is planned longer than this, in seconds; None for no cap.
        jitter: up to this share is added at random, so that the workers of a fleet do not probe at once.
        random: gives numbers from 0 up to 1.

    Raises:
        ValueError: a number that makes no sense.
    """

    seconds: float = 60.0
    growth: float = 1.0
    cap: float | None = None
    jitter: float = 0.0
    random: Callable[[], float] = _random.random

    def __post_init__(self) -> None:
        if self.seconds < 0 or self.growth < 1 or self.jitter < 0:
            raise ValueError("a break needs seconds of 0 or more, a growth of 1 or more and a jitter of 0 or more")

    def of(self, level: int) -> float:
        """Return the seconds of break number `level`, counted from 0."""
        try:
            planned = self.seconds * self.growth**level
        except OverflowError:
            planned = float("inf")
        if self.cap is not None:
            planned = min(planned, self.cap)
        return planned * (1 + self.jitter * self.random()) if self.jitter else planned
