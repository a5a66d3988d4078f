"""The threshold advisor: what would other thresholds have done with the calls that were recorded?

    python -m backend.resilience.advisor calls.jsonl
    python -m backend.resilience.advisor calls.csv --name cisa_kev --candidate count=20,rate=0.5,timeout=30

A candidate is a comma-separated list of settings: `failures` (in a row), or `count` or `seconds` (a sliding window)
with `rate`, `minimum`, `slow` (seconds) and `slow_rate`; and `timeout`, `growth`, `cap` for the break.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from backend.resilience.breaker import CircuitBreaker
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import Listeners
from backend.resilience.recorded import RecordedCall, RecordingError, read_calls
from backend.resilience.replay import Candidate, Verdict, replay
from backend.resilience.window import CountWindow, TimeWindow, Window

DEFAULT_CANDIDATES = (
    "failures=3,timeout=30",
    "failures=5,timeout=60",
    "failures=10,timeout=120",
    "count=20,rate=0.5,minimum=10,timeout=30",
    "count=100,rate=0.5,minimum=20,timeout=60",
    "seconds=60,rate=0.5,minimum=10,timeout=30",
    "seconds=60,rate=0.2,minimum=20,timeout=60",
)
_KNOWN = ("failures", "count", "seconds", "rate", "minimum", "slow", "slow_rate", "timeout", "growth", "cap")
_COLUMNS = ("trips", "good rejected", "bad let through", "bad prevented", "open s")


def candidate(text: str) -> Candidate:
    """Return the candidate that `text` describes.

    Raises:
        ValueError: it cannot be understood, or makes no sense.
    """
    settings = _settings(text)

    def make(clock: Clock, listeners: Listeners) -> CircuitBreaker:
        return CircuitBreaker(
            int(settings.get("failures", 5)),
            settings.get("timeout", 60.0),
            window=_window(settings, clock),
            growth=settings.get("growth", 1.0),
            max_timeout=settings.get("cap"),
            clock=clock,
            listeners=listeners,
        )

    make(SYSTEM_CLOCK, Listeners())  # what makes no sense is told now, not in the middle of a replay
    return Candidate(text, make)


def advise(
    calls: Iterable[RecordedCall],
    candidates: Sequence[str] = DEFAULT_CANDIDATES,
    *,
    good_weight: float = 1.0,
    bad_weight: float = 1.0,
) -> list[Verdict]:
    """Return what each candidate would have done, the least costly first.

    Args:
        calls: as recorded; all of one dependency.
        candidates: their settings, see the module's documentation.
        good_weight: what a good call that is rejected costs.
        bad_weight: what a bad call that is let through costs.

    Raises:
        ValueError: a candidate cannot be understood.
    """
    verdicts = replay(calls, [candidate(text) for text in candidates])
    return sorted(verdicts, key=lambda verdict: (verdict.cost(good_weight, bad_weight), verdict.trips))


def report(verdicts: Sequence[Verdict], out: TextIO) -> None:
    """Write the table, the least costly candidate first."""
    width = max(len(verdict.name) for verdict in verdicts)
    out.write(f"{verdicts[0].calls} calls\n{'':{width}}" + "".join(f"{name:>17}" for name in _COLUMNS) + "\n")
    for verdict in verdicts:
        counts = (verdict.trips, verdict.good_rejected, verdict.bad_let_through, verdict.bad_prevented)
        row = "".join(f"{count:>17}" for count in counts) + f"{verdict.open_seconds:>17.0f}"
        out.write(f"{verdict.name:{width}}{row}\n")
    saved = verdicts[0].bad_seconds_saved
    out.write(f"\nThe first costs least; it would have saved {saved:.0f} s of waiting for calls that failed.\n")


def main(arguments: Sequence[str] | None = None, out: TextIO = sys.stdout) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m backend.resilience.advisor", description=__doc__.split("\n")[0])
    parser.add_argument("file", help="recorded calls as JSON lines or CSV: at, ok, seconds, name; - for standard input")
    parser.add_argument("--name", help="only the calls of this dependency")
    parser.add_argument("--candidate", action="append", help="settings to try, e.g. count=20,rate=0.5,timeout=30")
    parser.add_argument("--good-weight", type=float, default=1.0, help="cost of a good call that is rejected")
    parser.add_argument("--bad-weight", type=float, default=1.0, help="cost of a bad call that is let through")
    given = parser.parse_args(arguments)
    try:
        calls = [call for call in read_calls(_lines(given.file)) if given.name in (None, call.name)]
        if not calls:
            parser.error("there are no calls to replay")
        chosen = given.candidate or DEFAULT_CANDIDATES
        verdicts = advise(calls, chosen, good_weight=given.good_weight, bad_weight=given.bad_weight)
    except (RecordingError, ValueError, OSError) as error:
        parser.error(str(error))
    report(verdicts, out)
    return 0


def _lines(file: str) -> list[str]:
    return sys.stdin.readlines() if file == "-" else Path(file).read_text(encoding="utf-8").splitlines()


def _settings(text: str) -> dict[str, float]:
    settings: dict[str, float] = {}
    for part in text.replace(" ", "").split(","):
        name, _, value = part.partition("=")
        if name not in _KNOWN:
            raise ValueError(f"{name!r} in candidate {text!r} is not one of {', '.join(_KNOWN)}")
        try:
            settings[name] = float(value)
        except ValueError:
            raise ValueError(f"{name} in candidate {text!r} needs a number") from None
        if not math.isfinite(settings[name]):
            raise ValueError(f"{name} in candidate {text!r} needs a number with an end")
    if sum(kind in settings for kind in ("failures", "count", "seconds")) > 1:
        raise ValueError(f"candidate {text!r}: failures, count and seconds exclude each other")
    return settings


def _window(settings: dict[str, float], clock: Clock) -> Window | None:
    rate, slow_rate, slow = settings.get("rate", 0.5), settings.get("slow_rate", 1.0), settings.get("slow")
    minimum = int(settings.get("minimum", 10))
    if "count" in settings:
        size = int(settings["count"])
        return CountWindow(size, rate, slow_rate=slow_rate, slow_seconds=slow, minimum_calls=minimum)
    if "seconds" in settings:
        seconds = settings["seconds"]
        return TimeWindow(seconds, rate, slow_rate=slow_rate, slow_seconds=slow, minimum_calls=minimum, clock=clock)
    return None


if __name__ == "__main__":
    sys.exit(main())
