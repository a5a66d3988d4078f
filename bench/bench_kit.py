"""The resilience kit against pybreaker and backoff, in the same process and the same run.

Run: python -m bench.bench_kit [--mode gevent] [--errors 1000000]
All columns are medians over rounds in which every contestant has its turn, so that a busy moment of the machine meets
all of them alike. What matters are the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
import timeit
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROUNDS = 15
CALLS = 5000
ERRORS = 20_000
Row = dict[str, Any]


def run(mode: str = "eventlet", errors: int = ERRORS) -> list[Row]:
    """Measure in a process of its own, which is patched for `mode`, print the table and return its rows."""
    command = [sys.executable, "-m", "bench.bench_kit", "--json", "--mode", mode, "--errors", str(errors)]
    root = Path(__file__).resolve().parent.parent
    told = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, timeout=600)
    rows: list[Row] = json.loads(told.stdout)
    report(rows, mode)
    return rows


def measure(errors: int) -> list[Row]:
    """Measure everything in this process."""
    return [*_calls(), *_rejections(), *_guards(), _concurrent(), *_aggregator(errors)]


def report(rows: list[Row], mode: str) -> None:
    """Print the table."""
    print(f"\nThe resilience kit on {mode}, median of {ROUNDS} rounds")
    print(f"{'':48}{'kit':>12}{'the other':>12}{'ratio':>8}{'wanted':>8}")
    for row in rows:
        other = f"{row['other']:.3g} {row['unit']}" if row.get("other") is not None else ""
        ratio = f"{row['ratio']:.2f}" if row.get("ratio") is not None else ""
        wanted = f"{row['wanted']:g}" if row.get("wanted") is not None else ""
        own = f"{row['kit']:.3g} {row['unit']}"
        print(f"{row['name']:48}{own:>12}{other:>12}{ratio:>8}{wanted:>8}")


def _calls() -> list[Row]:
    import pybreaker

    from backend.resilience import CircuitBreaker, CountWindow, TimeWindow

    theirs = pybreaker.CircuitBreaker()
    plain, count, timed = CircuitBreaker(), CircuitBreaker(window=CountWindow()), CircuitBreaker(window=TimeWindow())
    found = _compared(
        bare=_nothing,
        theirs=lambda: theirs.call(_nothing),
        plain=lambda: plain.call(_nothing),
        count=lambda: count.call(_nothing),
        timed=lambda: timed.call(_nothing),
    )
    return [
        _row("bare call", found["bare"], None),
        _row("closed call, to pybreaker", found["plain"], found["theirs"], wanted=0.5),
        _row("closed call, count window, to pybreaker", found["count"], found["theirs"]),
        _row("closed call, time window, to pybreaker", found["timed"], found["theirs"]),
    ]


def _rejections() -> list[Row]:
    import pybreaker

    from backend.resilience import CircuitBreaker

    theirs, ours = pybreaker.CircuitBreaker(), CircuitBreaker()
    for breaker in (theirs, ours):
        _opened(breaker)

    def rejected(breaker: Any) -> Callable[[], object]:
        def call() -> None:
            try:
                breaker.call(_nothing)
            except pybreaker.CircuitBreakerError:
                return

        return call

    found = _compared(theirs=rejected(theirs), ours=rejected(ours))
    return [_row("open rejection, to pybreaker", found["ours"], found["theirs"], wanted=0.5)]


def _guards() -> list[Row]:
    import backoff
    import pybreaker

    from backend import runtime
    from backend.resilience import CallFinished, Guards, Policy

    counted = [0]

    def count(_: object) -> None:
        counted[0] += 1

    guards = Guards()
    guards.listeners.subscribe(count, CallFinished)
    guard = guards.add("bench", feature="bench")
    own_time = guards.add("own time", feature="bench", policy=Policy(cooperative=True))
    theirs = pybreaker.CircuitBreaker()

    @backoff.on_exception(backoff.expo, Exception, max_tries=2)
    def retried() -> None:
        theirs.call(_nothing)

    if runtime.mode() != "threading":
        found = _compared(theirs=retried, ours=lambda: guard.call(_nothing))
        return [_row("full guard, to backoff + pybreaker", found["ours"], found["theirs"], wanted=1.0)]

    # A thread cannot be interrupted: whoever gives up waiting has handed the call to another one. So the guard that
    # does this is measured against the same three things with the standard library's way to do it.
    pool = ThreadPoolExecutor()
    timed_breaker = pybreaker.CircuitBreaker()

    @backoff.on_exception(backoff.expo, Exception, max_tries=2)
    def timed() -> None:
        timed_breaker.call(lambda: pool.submit(_nothing).result(10))

    found = _compared(
        theirs=retried, timed=timed, ours=lambda: guard.call(_nothing), own_time=lambda: own_time.call(_nothing)
    )
    return [
        _row("full guard, cooperative, to backoff + pybreaker", found["own_time"], found["theirs"], wanted=1.0),
        _row("full guard, to backoff + pybreaker + futures", found["ours"], found["timed"], wanted=1.0),
        _row("the same, to backoff + pybreaker, no timeout", found["ours"], found["theirs"]),
    ]


def _concurrent() -> Row:
    """Ten calls of 0.2 s through one breaker at once."""
    import pybreaker

    from backend.resilience import CircuitBreaker

    found = {"ours": _together(CircuitBreaker()), "theirs": _together(pybreaker.CircuitBreaker())}
    return _row("ten calls of 0.2 s at once, to pybreaker", found["ours"], found["theirs"], unit="s", wanted=0.2)


def _aggregator(errors: int) -> list[Row]:
    """The speed of recording, and the memory that so many distinct errors take."""
    from backend.resilience import ErrorAggregator

    tracemalloc.start()
    aggregator = ErrorAggregator()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(errors):
        name = f"fault-{number:x}"
        aggregator.record_error(name, f"{name} of {name}", {"endpoint": f"/{name}", "note": "x" * 100})
    used = (tracemalloc.get_traced_memory()[0] - before) / 1e6
    tracemalloc.stop()
    started = time.perf_counter()
    for _ in range(2000):
        aggregator.record_error("fault", "connection refused", {"endpoint": "/api/threats"})
    took = (time.perf_counter() - started) / 2000 * 1e6
    return [
        _row("recording an error", took, None),
        _row(f"memory of {errors:,} distinct errors", used, None, unit="MB", wanted=5),
    ]


def _compared(**contestants: Callable[[], object]) -> dict[str, float]:
    """Return the median microseconds of one call for each."""
    rounds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, call in contestants.items():
            rounds[name].append(timeit.timeit(call, number=CALLS) / CALLS * 1e6)
    return {name: statistics.median(each) for name, each in rounds.items()}


def _together(breaker: Any) -> float:
    from backend import runtime

    started = time.monotonic()
    tasks = [runtime.spawn(breaker.call, time.sleep, 0.2) for _ in range(10)]
    for task in tasks:
        task.wait(10)
    return time.monotonic() - started


def _opened(breaker: Any) -> None:
    def fail() -> None:
        raise ConnectionError("down")

    for _ in range(5):
        with contextlib.suppress(Exception):  # pybreaker replaces the last one by its own
            breaker.call(fail)


def _row(name: str, kit: float, other: float | None, *, unit: str = "µs", wanted: float | None = None) -> Row:
    ratio = None if other is None else kit / other
    return {"name": name, "kit": kit, "other": other, "ratio": ratio, "unit": unit, "wanted": wanted}


def _nothing() -> None:
    return None


def main() -> None:
    """Print the table, or with --json measure in this very process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mode", default="eventlet", choices=["eventlet", "gevent", "threading"])
    parser.add_argument("--errors", type=int, default=ERRORS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not given.json:
        run(given.mode, given.errors)
        return
    from backend import runtime

    runtime.patch(given.mode)
    print(json.dumps(measure(given.errors)))


if __name__ == "__main__":
    main()
