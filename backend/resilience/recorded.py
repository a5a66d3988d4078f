"""Recorded calls: what the threshold advisor replays. JSON lines or CSV, one call each.

Fields: `at` (seconds, or an ISO 8601 time, of its beginning), `ok` (true or false), `seconds` (its duration, 0 where it
is not known) and, where several dependencies share a file, `name`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import CallFinished

_TRUE = {"true", "1", "yes", "ok", "success"}
_FALSE = {"false", "0", "no", "failure", "failed"}


class RecordingError(ValueError):
    """A line that cannot be read; the message gives its number and what is wrong."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call that was made: when it began, whether it succeeded, how long it took (both times in seconds)."""

    at: float
    ok: bool
    seconds: float = 0.0
    name: str = ""


def read_calls(lines: Iterable[str]) -> Iterator[RecordedCall]:
    """Read a recording.

    Raises:
        RecordingError: a line is wrong.
    """
    rows = enumerate((line.strip() for line in lines), 1)
    for number, line in rows:
        if not line:
            continue
        if line.startswith("{"):
            yield _call(number, _parsed(number, line))
            continue
        header = [name.strip() for name in next(csv.reader([line]))]
        if "at" not in header or "ok" not in header:
            raise RecordingError(f"line {number}: neither a JSON object nor a CSV header with at and ok")
        for later, row in rows:
            if row:
                yield _call(later, dict(zip(header, next(csv.reader([row])), strict=False)))


def recorder(write: Callable[[str], object], clock: Clock = SYSTEM_CLOCK) -> Callable[[CallFinished], None]:
    """Return a listener that writes each guarded call down, for `Listeners.subscribe(…, CallFinished)`.

    Calls that were rejected or cancelled are left out: nobody knows how they would have ended.

    Args:
        write: takes one line, without its end.
        clock: asked for the time.
    """

    def note(event: CallFinished) -> None:
        if event.outcome not in ("rejected", "cancelled"):
            began = clock.now().timestamp() - event.seconds
            ok = event.outcome != "failure"
            write(json.dumps({"at": round(began, 3), "ok": ok, "seconds": round(event.seconds, 3), "name": event.name}))

    return note


def _parsed(number: int, line: str) -> Mapping[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError as error:
        raise RecordingError(f"line {number}: {error}") from None


def _call(number: int, fields: Mapping[str, Any]) -> RecordedCall:
    try:
        seconds = float(fields.get("seconds") or 0)
        return RecordedCall(_moment(fields["at"]), _truth(fields["ok"]), seconds, str(fields.get("name") or ""))
    except KeyError as error:
        raise RecordingError(f"line {number}: there is no {error.args[0]}") from None
    except (TypeError, ValueError) as error:
        raise RecordingError(f"line {number}: {error}") from None


def _moment(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        moment = datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _truth(value: Any) -> bool:
    word = str(value).lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"ok must be true or false, not {value!r}")
    return word in _TRUE
