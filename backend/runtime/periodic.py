"""Background work that is done again and again, and that no fault of one round ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol


class Stopped(Protocol):
    """The part of `threading.Event` that tells when to stop."""

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, at most `timeout` seconds; return whether it is."""


def periodically(work: Callable[[], object], seconds: float, stopped: Stopped, log: logging.Logger) -> None:
    """Call `work` at once and then every `seconds`, until stopped; spawn this.

    Whatever it raises is logged with its stack trace, and the next round is tried: a loop that a single fault ends
    would be missed by nobody until it is needed.
    """
    while True:
        try:
            work()
        except Exception:
            log.exception("❌ %s failed; it is tried again in %g s", getattr(work, "__qualname__", work), seconds)
        if stopped.wait(seconds):
            return
