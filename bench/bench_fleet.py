"""The fleet's breaker on a real Redis: against the same breaker in memory, and against pybreaker's Redis storage.

Run: python -m bench.bench_fleet [--trips 200] [--workers 8]
Columns are medians over rounds in which every contestant has its turn; what matters are the ratios. What is held
against memory is processor time, the background's included: a busy machine changes neither side. The way of a trip is
told beside that of a bare PUBLISH with the same client, to the same processes in the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from bench.bench_kit import _nothing, _opened, _row, report

TRIPS = 200
WORKERS = 8
ROUNDS = 15
CALLS = 20_000
ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, Any]


def run(trips: int = TRIPS, workers: int = WORKERS) -> list[Row]:
    """Measure in a process of its own, print the table and return its rows; without redis-server nothing."""
    if shutil.which("redis-server") is None:
        print("\nThe fleet: redis-server is not installed, so there is nothing to measure.")
        return []
    command = [sys.executable, "-m", "bench.bench_fleet", "--json", "--trips", str(trips), "--workers", str(workers)]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=900)
    rows: list[Row] = json.loads(told.stdout)
    report(rows, "eventlet, the fleet's breaker on a real Redis")
    return rows


def measure(trips: int, workers: int) -> list[Row]:
    """Measure everything in this process and workers that it starts."""
    from tests.support.redis import RedisServer

    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            return [
                *_calls(server.url),
                *_rejections(server.url),
                *_ways(server.url, trips, workers),
                _outage(server.url),
            ]
        finally:
            server.stop()


@contextlib.contextmanager
def _contestants(url: str) -> Iterator[dict[str, Any]]:
    """The same breaker in memory and in the fleet, and pybreaker's with its Redis storage."""
    import pybreaker
    import redis

    from backend.resilience import CircuitBreaker, CountWindow
    from backend.resilience.fleet import connect

    fleet = connect(url)
    client = redis.Redis.from_url(url)
    made = {
        "memory": CircuitBreaker(timeout=600),
        "fleet": CircuitBreaker(timeout=600, storage=fleet.breaker_storage("bench")),
        "counted": CircuitBreaker(window=CountWindow()),
        "fleet_counted": CircuitBreaker(window=CountWindow(), storage=fleet.breaker_storage("counted")),
        "theirs": pybreaker.CircuitBreaker(
            reset_timeout=600, state_storage=pybreaker.CircuitRedisStorage("closed", client, namespace="bench")
        ),
    }
    fleet.start()
    while not fleet.connected:
        time.sleep(0.01)
    yield made
    fleet.stop()
    client.close()


def _calls(url: str) -> list[Row]:
    with _contestants(url) as breakers:
        found = _compared(**{name: _call(breaker) for name, breaker in breakers.items() if name != "theirs"})
        theirs = _few(_call(breakers["theirs"]))
    return [
        _row("closed call in the fleet, to memory", found["fleet"], found["memory"], wanted=1.2),
        _row("the same with a count window", found["fleet_counted"], found["counted"], wanted=1.2),
        _row("closed call in the fleet, to pybreaker", found["fleet"], theirs),
    ]


def _rejections(url: str) -> list[Row]:
    with _contestants(url) as breakers:
        for name in ("memory", "fleet", "theirs"):
            _opened(breakers[name])
        found = _compared(memory=_call(breakers["memory"]), fleet=_call(breakers["fleet"]))
        theirs = _few(_call(breakers["theirs"]))
    return [
        _row("open rejection in the fleet, to memory", found["fleet"], found["memory"], wanted=1.2),
        _row("open rejection in the fleet, to pybreaker", found["fleet"], theirs),
    ]


def _call(breaker: Any) -> Callable[[], object]:
    import pybreaker

    def call() -> None:
        try:
            breaker.call(_nothing)
        except pybreaker.CircuitBreakerError:
            return

    return call


def _compared(**contestants: Callable[[], object]) -> dict[str, float]:
    """Return the median microseconds of the processor for one call of each."""
    rounds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, call in contestants.items():
            took = timeit.timeit(call, number=CALLS, timer=time.process_time)
            rounds[name].append(took / CALLS * 1e6)
    return {name: statistics.median(each) for name, each in rounds.items()}


def _few(call: Callable[[], object]) -> float:
    """The median microseconds of what takes a hundred times as long, most of it waiting."""
    return statistics.median(timeit.timeit(call, number=200) / 200 * 1e6 for _ in range(ROUNDS))


def _ways(url: str, trips: int, count: int) -> list[Row]:
    """How long a trip is on its way: from the start of the call that trips to the listeners of each worker."""
    from tests.support.fleet_processes import Workers

    each: list[float] = []
    last: list[float] = []
    with Workers(count) as workers:
        workers.join(url, feed={"failure_threshold": 5, "timeout": 3600})
        bare = _published(workers, url, trips)
        bare_each, bare_last = sorted(chain(*bare)), sorted(max(times) for times in bare)
        for number in range(trips):
            began = workers[number % count].call(name="feed", fails=True, times=5)["at"]
            times = _told(workers)
            each += [at - began for at in times]
            last.append(max(times) - began)
            workers[0].decide(name="feed", what="reset")
            _told(workers)
    each.sort()
    last.sort()
    return [
        _way("a trip, to a worker, p50 (bare PUBLISH)", each, bare_each, 0.5),
        _way("a trip, to a worker, p99 (bare PUBLISH)", each, bare_each, 0.99),
        _way(f"a trip, to all {count} workers, p50 (bare)", last, bare_last, 0.5),
        _way(f"a trip, to all {count} workers, p99 (bare)", last, bare_last, 0.99),
    ]


def _outage(url: str) -> Row:
    """All calls of five workers fail, and each tries up to five times."""
    from tests.support.fleet_processes import Workers

    with Workers(5) as workers:
        workers.join(url)
        told = workers.all("outage", seconds=10.0, pause=0.02, attempts=5)
    calls, attempts = (sum(each[what] for each in told) for what in ("calls", "attempts"))
    return _row("attempts per call in an outage, 5 workers", attempts / calls, None, unit="", wanted=1.2)


def _told(workers: Any) -> list[float]:
    """Wait without disturbing anybody, and return when each worker heard of the change."""
    found: list[float] = []
    end = time.monotonic() + 10
    while len(found) < len(workers):
        if time.monotonic() > end:
            raise SystemExit("a change did not reach every worker within 10 s")
        time.sleep(0.1)
        found += [change[3] for member in workers.all("changes") for changes in member for change in changes]
    return found


def _published(workers: Any, url: str, times: int) -> list[list[float]]:
    """For each of so many bare messages of Redis, the seconds that it took to each worker."""
    import redis

    channel = "bench-bare"
    for worker in workers:
        worker.send("hear", url=url, channel=channel, messages=times)
    with redis.Redis.from_url(url) as client:
        while client.pubsub_numsub(channel)[0][1] < len(workers):
            time.sleep(0.01)
        for _ in range(times):
            client.publish(channel, str(time.monotonic()))
            time.sleep(0.02)
    return [list(times) for times in zip(*(worker.answer() for worker in workers), strict=True)]


def _way(name: str, found: list[float], bare: list[float], share: float) -> Row:
    own, other = (1000 * times[int(len(times) * share)] for times in (found, bare))
    return _row(name, own, other, unit="ms")


def main() -> None:
    """Print the table, or with --json measure in this very process."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trips", type=int, default=TRIPS)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not given.json:
        run(given.trips, given.workers)
        return
    from backend import runtime

    runtime.patch("eventlet")
    print(json.dumps(measure(given.trips, given.workers)))


if __name__ == "__main__":
    main()
