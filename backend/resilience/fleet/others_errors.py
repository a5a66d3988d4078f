"""A copy of what the other workers have on the board of errors."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any

_MINUTE_MS = 60_000
_KEEP_MINUTES = 240
_MOST_MINUTES = 10_000
_MOST_RECENT = 500
_MOST_GROUPS = 2_000


class OthersErrors:
    """Not locked: its owner is.

    Args:
        worker: who we are; our own notes are passed over.
    """

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._minutes: OrderedDict[tuple[int, str], tuple[Counter[str], Counter[str]]] = OrderedDict()
        self._recent: OrderedDict[str, list[str]] = OrderedDict()
        self._groups: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def read(self, news: Iterable[tuple[str, str]], now_ms: float) -> None:
        """Take in notes, each a name and a text; what is no note of ours is passed over."""
        for name, text in news:
            try:
                what, key, worker = parts(name)
                if worker != self._worker:
                    self._take(what, key, worker, json.loads(text))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        self._forget(int(now_ms) // _MINUTE_MS)

    def counts(self, start_ms: float, end_ms: float, now_ms: float) -> tuple[Counter[str], Counter[str]]:
        """Return type -> count and endpoint -> count of the minutes that end in this time; the present one ends now."""
        kinds: Counter[str] = Counter()
        places: Counter[str] = Counter()
        for (minute, _), (by_kind, by_place) in self._minutes.items():
            if start_ms < min((minute + 1) * _MINUTE_MS, now_ms) <= end_ms:
                kinds += by_kind
                places += by_place
        return kinds, places

    def recent(self, since: str) -> list[dict[str, Any]]:
        """Return the errors after `since` (ISO 8601)."""
        kept = [record for record in self._recent.values() if record[0] > since]
        return [
            {"timestamp": at, "type": kind, "message": text, "context": json.loads(context)}
            for at, kind, text, context in kept
        ]

    def groups(self) -> list[dict[str, Any]]:
        """Return the groups, one per worker and fault."""
        return [dict(group) for group in self._groups.values()]

    def _take(self, what: str, key: str, worker: str, content: Any) -> None:
        if what == "m":
            kinds, places = content
            self._minutes[int(key), worker] = (Counter(kinds), Counter(places))
        elif what == "r":
            at, kind, text, context = content
            json.loads(context)
            _put(self._recent, f"{key}:{worker}", [str(at), str(kind), str(text), context])
        elif what == "g":
            kept = {"fingerprint": key} | {
                name: content[name] for name in ("type", "message", "count", "first_seen", "last_seen")
            }
            _put(self._groups, f"{key}:{worker}", kept)

    def _forget(self, minute: int) -> None:
        for key in [key for key in self._minutes if key[0] < minute - _KEEP_MINUTES]:
            del self._minutes[key]
        for kept, most in ((self._minutes, _MOST_MINUTES), (self._recent, _MOST_RECENT), (self._groups, _MOST_GROUPS)):
            while len(kept) > most:
                kept.popitem(last=False)


def parts(name: str) -> tuple[str, str, str]:
    """Return what a note is (m a minute, r a recent error, g a group), which one, and whose.

    Raises:
        ValueError: it is no name of a note.
    """
    what, rest = name.split(":", 1)
    key, colon, worker = rest.rpartition(":")  # a fingerprint has a colon of its own
    if not colon:
        raise ValueError(f"{name!r} is no note")
    return what, key, worker


def _put(kept: OrderedDict[str, Any], name: str, content: Any) -> None:
    kept[name] = content
    kept.move_to_end(name)
