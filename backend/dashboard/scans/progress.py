"""How far a scan is: counts, rate, time left, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.storage.database import Row


@dataclass
class Progress:
    """The progress of one run of a scan.

    Args:
        scan: its row.
        phase: reading (an upload) or joining (what is stored, anew).
        findings: different ones so far; duplicates: further ones that were the same.
        share: of the work, 0 to 1.
        waiting: what it waits for, in words; None while it works.
    """

    scan: Row
    phase: str = "reading"
    findings: int = 0
    duplicates: int = 0
    known_exploited: int = 0
    share: float = 0.0
    waiting: str | None = None
    clock: Clock = SYSTEM_CLOCK
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock.monotonic()

    def payload(self, status: str = "running") -> dict[str, Any]:
        """Return the payload of scan_progress."""
        elapsed = max(0.0, self.clock.monotonic() - self.started)
        read = self.findings + self.duplicates
        left = elapsed / self.share * (1 - self.share) if self.share > 0.02 and elapsed > 0.2 else None
        return {
            "scan_id": self.scan["id"],
            "name": self.scan["name"],
            "status": status,
            "phase": self.phase,
            "read": read,
            "findings": self.findings,
            "duplicates": self.duplicates,
            "known_exploited": self.known_exploited,
            "share": round(self.share, 4),
            "rate": round(read / elapsed, 1) if elapsed > 0 else 0.0,
            "elapsed": round(elapsed, 3),
            "time_left": None if left is None or self.waiting else round(left, 1),
            "waiting": self.waiting,
            "timestamp": self.clock.now().isoformat(),
        }


def queued(scan: Mapping[str, Any], clock: Clock = SYSTEM_CLOCK) -> dict[str, Any]:
    """Return the payload of scan_progress for a scan that waits for its turn."""
    return Progress(dict(scan), clock=clock).payload("queued")
