"""The errors of all workers, merged over what each has on the board: its counts by the minute, its newest errors, its
groups. Nothing is asked when somebody reads; the background keeps a copy. A worker that starts again reads what it
had recorded before as that of another.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from backend.resilience.clock import Clock
from backend.resilience.fleet.link import Link
from backend.resilience.fleet.others_errors import OthersErrors, parts
from backend.resilience.fleet.server import Json, Request
from backend.resilience.locks import RLock

_MINUTE_MS = 60_000
_KEEP_MINUTES = 240
_KEEP_MS = 24 * 3600 * 1000
_MOST_NOTES = 20_000
_BATCH = 200
_NAMES = 50
_RECENT = 50
_GROUPS = 200
OTHER = "other"


class FleetErrors:
    """A `SharedErrors`. Made by `Fleet.errors`.

    Args:
        name: of the board.
        worker: who we are.
        wake: asks for an exchange within so many seconds.
    """

    def __init__(self, name: str, *, worker: str, link: Link, wake: Callable[[float], None], clock: Clock) -> None:
        self._name = name
        self._worker = worker
        self._link = link
        self._wake = wake
        self._clock = clock
        self._lock = RLock()
        self._minutes: OrderedDict[int, tuple[Counter[str], Counter[str]]] = OrderedDict()
        self._recent: dict[int, list[str]] = {}
        self._groups: OrderedDict[str, Json] = OrderedDict()
        self._noted = 0
        self._dirty: dict[str, None] = {}
        self._sent: list[str] = []
        self._behind = False
        self._era, self._since = "", 0
        self._others = OthersErrors(worker)

    # For the aggregator

    def note(self, at: datetime, kind: str, text: str, *, place: str, fingerprint: str, context: str) -> None:
        """Take in an error of ours; see `SharedErrors`."""
        with self._lock:
            self._count(kind, place)
            slot = self._noted % _RECENT
            self._noted += 1
            self._recent[slot] = [at.isoformat(), kind, text, context]
            self._dirty[f"r:{slot}:{self._worker}"] = None
            self._group(fingerprint, kind, text, at.isoformat())

    def counts(self, start: float, end: float = 0.0) -> tuple[Counter[str], Counter[str]]:
        """Return type -> count and endpoint -> count of the others, by the minute; see `SharedErrors`."""
        now = self._now_ms()
        with self._lock:
            return self._others.counts(now - start * 1000, now - end * 1000, now)

    def recent(self, seconds: float) -> list[dict[str, Any]]:
        """Return what the others recorded last; see `SharedErrors`."""
        since = datetime.fromtimestamp(self._clock.now().timestamp() - seconds, self._clock.now().tzinfo)
        with self._lock:
            return self._others.recent(since.isoformat())

    def groups(self) -> list[dict[str, Any]]:
        """Return the faults the others saw; see `SharedErrors`."""
        with self._lock:
            return self._others.groups()

    # For the fleet's worker

    def collect(self, poll: bool) -> Iterator[Request]:
        """Yield what we have noted since, with the question for what the others have."""
        with self._lock:
            if not (poll or self._behind):
                return
            self._behind = False
            self._dirty |= dict.fromkeys(self._sent)  # of an exchange that had no reply
            self._sent = list(self._dirty)[:_BATCH]
            for name in self._sent:
                del self._dirty[name]
            notes = {name: note for name in self._sent if (note := self._note(name)) is not None}
            args = {"worker": self._worker, "notes": notes, "era": self._era, "since": self._since}
        limits = {"batch": _BATCH, "keep": _KEEP_MS, "most": _MOST_NOTES}
        yield Request("board", self._name, "exchange", args | limits, self._read)

    def hear(self, message: Json) -> None:
        """There are no messages about errors."""

    def alone(self) -> None:
        """What is known of the others stays until it is too old."""

    # Inside

    def _read(self, reply: Json) -> None:
        with self._lock:
            self._sent = []
            if reply["era"] != self._era:
                self._remember_all(known=bool(self._era))
            self._era, self._since = reply["era"], reply["since"]
            self._others.read(reply["news"] or [], self._now_ms())
            if reply["more"] or self._dirty:
                self._behind = True
                self._wake(0.0)

    def _remember_all(self, known: bool) -> None:
        """The board has lost everything: it gets again what is ours."""
        if known:
            names = [f"m:{minute}:{self._worker}" for minute in self._minutes]
            names += [f"r:{slot}:{self._worker}" for slot in self._recent]
            names += [f"g:{print_}:{self._worker}" for print_ in self._groups]
            self._dirty |= dict.fromkeys(names)

    def _count(self, kind: str, place: str) -> None:
        minute = int(self._now_ms()) // _MINUTE_MS
        if minute not in self._minutes:
            self._minutes[minute] = (Counter(), Counter())
            while len(self._minutes) > _KEEP_MINUTES:
                self._minutes.popitem(last=False)
        for counter, name in zip(self._minutes[minute], (kind, place), strict=True):
            counter[name if name in counter or len(counter) < _NAMES else OTHER] += 1
        self._dirty[f"m:{minute}:{self._worker}"] = None

    def _group(self, fingerprint: str, kind: str, text: str, at: str) -> None:
        group = self._groups.get(fingerprint)
        if group is None:
            group = self._groups[fingerprint] = {"type": kind, "message": text[:200], "count": 0, "first_seen": at}
            if len(self._groups) > _GROUPS:
                self._groups.popitem(last=False)
        group["count"] += 1
        group["last_seen"] = at
        self._groups.move_to_end(fingerprint)
        self._dirty[f"g:{fingerprint}:{self._worker}"] = None

    def _note(self, name: str) -> str | None:
        """The text of a note, None where it has been forgotten meanwhile."""
        what, key, _ = parts(name)
        content: Any = None
        if what == "m":
            content = self._minutes.get(int(key))
        elif what == "r":
            content = self._recent.get(int(key))
        else:
            content = self._groups.get(key)
        return None if content is None else json.dumps(content, separators=(",", ":"))

    def _now_ms(self) -> float:
        server_ms = self._link.server_ms()
        return self._clock.now().timestamp() * 1000 if server_ms is None else server_ms
