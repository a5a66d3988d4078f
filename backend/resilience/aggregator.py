"""Error aggregation: what failed, how often, where, over a sliding window, in memory that does not grow.

Everything is redacted before it is kept. Counts and recent errors look back over the window; groups (by fingerprint)
reach back further, to when a fault was first seen.
"""

from __future__ import annotations

import json
import logging
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Any, NamedTuple

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.error_counts import ErrorCounts
from backend.resilience.error_groups import ErrorGroups
from backend.resilience.error_journal import ErrorJournal
from backend.resilience.events import ErrorRecorded, Listeners
from backend.resilience.fingerprint import fingerprint
from backend.resilience.locks import RLock
from backend.resilience.redaction import as_text, redact, redact_text
from backend.resilience.shared_errors import SharedErrors, merged_groups

_log = logging.getLogger("jupiter.resilience")
_MOST_MESSAGE = 500
_MOST_CONTEXT = 2000
_MOST_TYPE = 100


class ErrorAggregator:
    """Counts and keeps errors.

    Args:
        window_minutes: how far statistics look back where nothing else is asked: 15, 60, 240 or any other.
        max_records: so many of the newest are kept with message and context.
        max_groups: so many distinct faults are told apart.
        clock: asked for the time.
        listeners: told of each error with an `ErrorRecorded`.
        shared: what other processes record is added in from there; nothing by default.

    Raises:
        ValueError: a window of nothing.
    """

    def __init__(
        self,
        window_minutes: float = 60,
        *,
        max_records: int = 500,
        max_groups: int = 500,
        clock: Clock = SYSTEM_CLOCK,
        listeners: Listeners | None = None,
        shared: SharedErrors | None = None,
    ) -> None:
        if window_minutes <= 0:
            raise ValueError(f"window_minutes must be above 0, not {window_minutes}")
        self.window_minutes = window_minutes
        self.listeners = listeners if listeners is not None else Listeners()
        self._shared = shared
        self._clock = clock
        self._lock = RLock()
        self._max_groups = max_groups
        self._journal: ErrorJournal | None = None
        self._records: deque[_Record] = deque(maxlen=max_records)
        self._reset()

    def record_error(self, type: str, message: str, context: Mapping[str, Any] | None = None) -> None:
        """Take in one error.

        Args:
            type: a short name that is the same for the same kind of fault, e.g. `grok_chat_failure`.
            message: what happened.
            context: where; an `endpoint` in it is counted too.
        """
        kind = redact_text(as_text(type), _MOST_TYPE)
        text = redact_text(as_text(message), _MOST_MESSAGE)
        kept = _bounded(redact(dict(context or {})))
        place = kept.get("endpoint")
        at = self._clock.now()
        where = str(place) if place else "unknown"
        entry = _Entry(at, kind, text, where, fingerprint(kind, text), json.dumps(kept))
        with self._lock:
            self._take(entry, self._clock.monotonic())
            if self._journal is not None:
                self._write(self._journal, entry)
        if self._shared is not None:
            self._shared.note(at, kind, text, place=where, fingerprint=entry.fingerprint, context=entry.context)
        if self.listeners.wants(ErrorRecorded):
            self.listeners.notify(ErrorRecorded(kind, text, at, entry.fingerprint, kept))

    def get_error_stats(self, window_minutes: float | None = None) -> dict[str, Any]:
        """Return total_errors, errors_by_type, window_minutes and error_rate, in errors per minute over the window.

        Args:
            window_minutes: another window than one's own, up to 240 or one's own if that is longer.

        Raises:
            ValueError: a window of no length.
        """
        minutes = self.window_minutes if window_minutes is None else window_minutes
        with self._lock:
            since = self._since(minutes)
            total, kinds = self._counts.total(since), self._counts.by_kind(since)
        if self._shared is not None:
            others, _ = self._shared.counts(minutes * 60)
            total, kinds = total + others.total(), _added(kinds, others)
        return {
            "total_errors": total,
            "errors_by_type": kinds,
            "window_minutes": minutes,
            "error_rate": round(total / minutes, 3),
        }

    def get_endpoint_stats(self, window_minutes: float | None = None) -> dict[str, int]:
        """Return endpoint -> errors over the window, the most first; those without one are under `unknown`."""
        with self._lock:
            places = self._counts.by_place(self._since(window_minutes))
        if self._shared is None:
            return places
        minutes = self.window_minutes if window_minutes is None else window_minutes
        return _added(places, self._shared.counts(minutes * 60)[1])

    def get_recent_errors(self, limit: int = 10) -> list[dict[str, Any]]:
        """Return the errors of the window, newest first: timestamp (ISO 8601, UTC), type, message, context."""
        with self._lock:
            since = self._since(None)
            newest = [record for record in reversed(self._records) if record[0] > since][: max(0, limit)]
        shown = [
            {"timestamp": at.isoformat(), "type": kind, "message": text, "context": json.loads(context)}
            for _, at, kind, text, context in newest
        ]
        if self._shared is None:
            return shown
        everyone = shown + self._shared.recent(self.window_minutes * 60)
        return sorted(everyone, key=lambda each: str(each["timestamp"]), reverse=True)[: max(0, limit)]

    def get_groups(self, limit: int = 20) -> list[dict[str, Any]]:
        """Return the faults seen last: fingerprint, type, message, count, first_seen, last_seen."""
        with self._lock:
            own = [group.shown() for group in self._groups.newest(limit if self._shared is None else self._max_groups)]
        return own if self._shared is None else merged_groups([*own, *self._shared.groups()])[: max(0, limit)]

    def get_series(self, window_minutes: float | None = None, buckets: int = 60) -> list[dict[str, Any]]:
        """Return the errors over time for a graph: `buckets` equal slices of the window, oldest first, {at, count}.

        `at` is the end of the slice, ISO 8601.

        Raises:
            ValueError: a window of no length, or no slices.
        """
        if buckets < 1 or (window_minutes is not None and window_minutes <= 0):
            raise ValueError(f"a graph needs a window and slices, not {window_minutes} minutes in {buckets}")
        width = (self.window_minutes if window_minutes is None else window_minutes) * 60 / buckets
        now, wall = self._clock.monotonic(), self._clock.now()
        with self._lock:
            ends = [(now - width * back, wall - timedelta(seconds=width * back)) for back in range(buckets - 1, -1, -1)]
            counts = [self._counts.total(end - width, end) for end, _ in ends]
        if self._shared is not None:
            pairs = [self._shared.counts(now - end + width, now - end)[0].total() for end, _ in ends]
            counts = [own + others for own, others in zip(counts, pairs, strict=True)]
        return [{"at": at.isoformat(), "count": count} for (_, at), count in zip(ends, counts, strict=True)]

    def keep_in(self, journal: ErrorJournal) -> None:
        """Take in what `journal` holds from before a restart, and add to it what is recorded from now on."""
        snapshot, entries = journal.read()
        with self._lock:
            own = self._snapshot()
            self._reset()
            try:
                if snapshot is not None:
                    self._restore(snapshot)
                self._take_again(_Entry.restored(each) for each in entries)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError):
                _log.warning("the errors from before the restart cannot be read in full", exc_info=True)
            self._restore(own)
            self._journal = journal
            journal.begin(self._snapshot())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._reset()
            if self._journal is not None:
                self._journal.begin(self._snapshot())

    def _reset(self) -> None:
        self._counts = ErrorCounts(max(self.window_minutes, 240) * 60)
        self._groups = ErrorGroups(self._max_groups)
        self._records.clear()

    def _take(self, entry: _Entry, now: float) -> None:
        self._counts.add(now, entry.type, entry.place)
        self._groups.add(entry.fingerprint, entry.type, entry.message, entry.at)
        self._records.append((now, entry.at, entry.type, entry.message, entry.context))

    def _write(self, journal: ErrorJournal, entry: _Entry) -> None:
        journal.append([entry.at.isoformat(), *entry[1:]])
        if journal.is_full:
            journal.begin(self._snapshot())

    def _snapshot(self) -> dict[str, Any]:
        shift = self._clock.now().timestamp() - self._clock.monotonic()
        records = [[now + shift, at.isoformat(), *rest] for now, at, *rest in self._records]
        return {"counts": self._counts.snapshot(shift), "groups": self._groups.snapshot(), "records": records}

    def _restore(self, kept: Mapping[str, Any]) -> None:
        now = self._clock.monotonic()
        shift = now - self._clock.now().timestamp()
        self._counts.restore(kept["counts"], shift, now)
        self._groups.restore(kept["groups"])
        for when, at, kind, text, context in kept["records"]:
            moment = datetime.fromisoformat(at)
            self._records.append((min(when + shift, now), moment, str(kind), str(text), str(context)))

    def _take_again(self, entries: Iterable[_Entry]) -> None:
        wall, now = self._clock.now(), self._clock.monotonic()
        when = -inf
        for entry in entries:
            age = max(0.0, (wall - entry.at).total_seconds())
            when = max(when, now - age)  # the wall clock may have been set back in between; the counts go by order
            self._take(entry, when)

    def _since(self, minutes: float | None) -> float:
        length = self.window_minutes if minutes is None else minutes
        if length <= 0:
            raise ValueError(f"window_minutes must be above 0, not {length}")
        return self._clock.monotonic() - length * 60


def _added(own: dict[str, int], others: Counter[str]) -> dict[str, int]:
    return dict((Counter(own) + others).most_common())


_Record = tuple[float, datetime, str, str, str]


class _Entry(NamedTuple):
    """One error, redacted; `context` is JSON."""

    at: datetime
    type: str
    message: str
    place: str
    fingerprint: str
    context: str

    @classmethod
    def restored(cls, kept: Sequence[Any]) -> _Entry:
        at, kind, text, place, print_, context = map(str, kept)
        return cls(datetime.fromisoformat(at), kind, text, place, print_, context)


def _bounded(context: dict[str, Any]) -> dict[str, Any]:
    """As many fields as fit, the first ones first."""
    kept: dict[str, Any] = {}
    left = _MOST_CONTEXT
    for name, value in context.items():
        left -= len(name) + len(json.dumps(value))
        if left < 0:
            kept["…"] = "more was left out"
            break
        kept[name] = value
    return kept


def mark_recorded(error: BaseException) -> None:
    """Note on an error that it was recorded, so that the next one who handles it does not count it again."""
    try:
        error.__dict__["recorded"] = True
    except AttributeError:
        return


def is_recorded(error: BaseException) -> bool:
    """Tell whether `mark_recorded` was called on an error."""
    return bool(getattr(error, "recorded", False))


error_aggregator = ErrorAggregator()
