"""Errors grouped by fingerprint: one line a fault, however often it happens."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
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

    def snapshot(self) -> list[dict[str, Any]]:
        """Return all of them ready for JSON, the one seen last at the end."""
        return [group.shown() for group in self._groups.values()]

    def restore(self, kept: Iterable[Mapping[str, Any]]) -> None:
        """Take in what `snapshot` gave; of a fault that is known, the cases are added.

        Raises:
            ValueError, TypeError, KeyError: it is none; then nothing was taken in.
        """
        for group in [_restored(each) for each in kept]:
            if known := self._groups.pop(group.fingerprint, None):
                group.count += known.count
                group.first_seen = min(group.first_seen, known.first_seen)
                group.last_seen = max(group.last_seen, known.last_seen)
            self._groups[group.fingerprint] = group
        while len(self._groups) > self._most:
            self._groups.popitem(last=False)

    def newest(self, limit: int) -> list[ErrorGroup]:
        """Return the groups seen last, newest first."""
        return list(reversed(self._groups.values()))[: max(0, limit)]


def _restored(kept: Mapping[str, Any]) -> ErrorGroup:
    first, last = (datetime.fromisoformat(kept[name]) for name in ("first_seen", "last_seen"))
    return ErrorGroup(kept["fingerprint"], kept["type"], kept["message"], first, last, int(kept["count"]))
