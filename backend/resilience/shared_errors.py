"""The seam at which a fleet's errors come into the aggregator: what other processes have recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol


class SharedErrors(Protocol):
    """What the aggregator tells others, and knows of them without asking. Texts are redacted already."""

    def note(self, at: datetime, kind: str, text: str, *, place: str, fingerprint: str, context: str) -> None:
        """An error was recorded here; `context` is JSON."""

    def counts(self, start: float, end: float = 0.0) -> tuple[Counter[str], Counter[str]]:
        """Return type -> count and endpoint -> count of the others, from `start` until `end` seconds ago."""

    def recent(self, seconds: float) -> list[dict[str, Any]]:
        """Return what the others recorded in the last `seconds`, as `get_recent_errors` shows it."""

    def groups(self) -> list[dict[str, Any]]:
        """Return the faults the others saw, as `get_groups` shows them; one fault may come several times."""


def merged_groups(shown: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one entry a fault, the one seen last first."""
    merged: dict[str, dict[str, Any]] = {}
    for group in shown:
        known = merged.setdefault(group["fingerprint"], group)
        if known is not group:
            newer = max(known, group, key=lambda each: str(each["last_seen"]))
            first = min(known["first_seen"], group["first_seen"])
            merged[group["fingerprint"]] = {**newer, "count": known["count"] + group["count"], "first_seen": first}
    return sorted(merged.values(), key=lambda each: str(each["last_seen"]), reverse=True)
