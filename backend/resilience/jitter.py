"""How waits between attempts grow, and how chance spreads them.

The growth and full jitter are python-backoff's public ones. Full: anything from 0 to the wait. Equal: at least half of
it. Decorrelated: from the first wait to three times the wait before. The last three and their names are from
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

from __future__ import annotations

import random as _random
from collections.abc import Callable, Iterator
from typing import Literal

import backoff

Jitter = Literal["none", "full", "equal", "decorrelated"]
JITTERS: tuple[Jitter, ...] = ("none", "full", "equal", "decorrelated")
Random = Callable[[], float]


def waits(
    initial_delay: float,
    backoff_factor: float,
    max_delay: float,
    jitter: Jitter = "none",
    random: Random = _random.random,
) -> Iterator[float]:
    """Yield one wait after the other, in seconds, without end.

    Args:
        initial_delay: before the second attempt.
        backoff_factor: by which each wait is longer than the one before.
        max_delay: the longest wait.
        jitter: none, full, equal or decorrelated.
        random: gives numbers from 0 up to 1.
    """
    if jitter == "decorrelated":
        yield from _decorrelated(initial_delay, max_delay, random)
    growing = backoff.expo(base=backoff_factor, factor=initial_delay, max_value=max_delay)
    next(growing)  # backoff's generators want one step before the first value
    for wait in growing:
        yield _spread(wait, jitter, random)


def _spread(wait: float, jitter: Jitter, random: Random) -> float:
    if jitter == "full":
        return backoff.full_jitter(wait) if random is _random.random else wait * random()
    if jitter == "equal":
        return wait / 2 * (1 + random())
    return wait


def _decorrelated(initial_delay: float, max_delay: float, random: Random) -> Iterator[float]:
    wait = initial_delay
    while True:
        wait = min(max_delay, initial_delay + random() * (wait * 3 - initial_delay))
        yield wait
