"""Errors grouped by fingerprint: one line a fault, however often it happens."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class ErrorGroup:
    """All cases of one fault since it was first seen."""

    fingerprint: str
    type: str
    message: str
    first_seen: datetime
    last_seen: datetime
    count: int = 1

    def shown(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "fingerprint": self.fingerprint,
            "type": self.type,
            "message": self.message,
            "count": self.count,
            "first_seen": self.first_seen.isoformat(),
            "last_seen": self.last_seen.isoformat(),
        }


class ErrorGroups:
    """The groups seen most lately; not locked: its owner is.

    Args:
        most: groups kept; the one not seen for longest makes room.
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._groups: OrderedDict[str, ErrorGroup] = OrderedDict()

    def add(self, print_: str, kind: str, message: str, at: datetime) -> None:
        """Take in one error."""
        group = self._groups.get(print_)
        if group is None:
            self._groups[print_] = ErrorGroup(print_, kind, message[:200], at, at)
            if len(self._groups) > self._most:
                self._groups.popitem(last=False)
            return
        group.count += 1
        group.last_seen = at
        self._groups.move_to_end(print_)

    def newest(self, limit: int) -> list[ErrorGroup]:
        """Return the groups seen last, newest first."""
        return list(reversed(self._groups.values()))[: max(0, limit)]
