"""The summary where it is hard: a database that hangs, 100,000 experiments, a thousand who ask at once."""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PATH = "/api/dashboard/summary"
EXPERIMENTS = 100_000
WAITERS = 1000
ROUNDS = 5
SECONDS = 3.0
CONNECTIONS = 16


def hung(folder: Path) -> dict[str, float]:
    """Measure the warm summary with the database healthy and hanging, in turn; return the medians of both p99."""
    from tests.support.unreliable import UnreliableJupiter

    made = UnreliableJupiter(folder, {"JUPITER_RATE_LIMIT": "1000000/second"})
    found: dict[str, list[float]] = {"healthy": [], "hung": []}
    with made.start() as jupiter, jupiter.rest() as rest:
        for number in range(60):
            rest.post("/api/experiments", json={"name": f"experiment {number}", "experiment_type": "benchmark"})
        rest.get(PATH)
        port, header = int(jupiter.url.rsplit(":", 1)[1]), f"Authorization: Bearer {jupiter.token}"
        for _ in range(ROUNDS):
            for kind, told in (("healthy", {}), ("hung", {"hang": ("*",)})):
                made.told(**told)
                found[kind].append(_load(port, header)["p99"])
        made.told()
    return {kind: statistics.median(values) for kind, values in found.items()}


def _load(port: int, header: str) -> dict[str, float]:
    options = ["--connections", str(CONNECTIONS), "--seconds", str(SECONDS), "--header", header]
    command = [sys.executable, "-m", "bench.load", str(port), PATH, *options]
    told = subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True, timeout=60)
    return dict(json.loads(told.stdout))


def cold(folder: Path) -> dict[str, float]:
    """Measure a summary of 100,000 experiments that nothing is kept of, and its three questions in SQL alone."""
    from backend.cache.service import CacheService
    from backend.dashboard.summary.service import SummaryService
    from backend.resilience.guard import Guards
    from backend.storage.sqlite import SqliteDatabase

    path = folder / "jupiter.sqlite3"
    database = SqliteDatabase(path)
    database.migrate()
    _fill(path)
    guard = Guards().add("database", feature="dashboard_data")
    alone = sqlite3.connect(path, check_same_thread=False)

    def whole() -> None:
        summary = SummaryService(database, CacheService(), guard).summary("ada")
        assert summary["total_experiments"] == EXPERIMENTS, summary

    def sql() -> None:
        since = (datetime.now(UTC) - timedelta(days=7)).isoformat(timespec="microseconds")
        for statement in STATEMENTS:
            alone.execute(statement, {"user": "ada", "since": since}).fetchall()

    for warm_up in (whole, sql):  # both with the same pages in memory
        warm_up()
    found = {
        name: statistics.median(_timed(work) for _ in range(ROUNDS)) for name, work in (("whole", whole), ("sql", sql))
    }
    alone.close()
    database.close()
    return found


STATEMENTS = (
    "SELECT * FROM experiments WHERE user_id = :user AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 50",
    "SELECT experiment_type, status, count(*) FROM experiments WHERE user_id = :user AND deleted_at IS NULL"
    " GROUP BY experiment_type, status",
    "SELECT status, count(*) FROM experiments WHERE user_id = :user AND deleted_at IS NULL AND created_at >= :since"
    " GROUP BY status",
)


def _fill(path: Path) -> None:
    kinds, statuses = ("security_scan", "benchmark", "ab_test"), ("pending", "running", "completed", "failed")
    now = datetime.now(UTC)

    def row(number: int) -> tuple[str, ...]:
        at = (now - timedelta(minutes=number)).isoformat(timespec="microseconds")
        named = (f"{number:08x}-0000-4000-8000-000000000000", f"experiment {number}")
        return *named, kinds[number % 3], statuses[number % 4], at, at

    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO experiments (id, user_id, name, experiment_type, status, parameters, created_at, updated_at)"
        " VALUES (?, 'ada', ?, ?, ?, '{\"n\": 1}', ?, ?)",
        map(row, range(EXPERIMENTS)),
    )
    connection.execute("COMMIT")
    connection.close()


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def waiters() -> dict[str, float]:
    """Let a thousand ask for one key that is not there; return how many computations that took, and how long."""
    from backend import runtime
    from backend.cache.service import CacheService

    cache, asked = CacheService(), []

    def compute() -> dict[str, Any]:
        asked.append(1)
        runtime.sleep(0.05)
        return {"value": 1}

    began = time.perf_counter()
    tasks = [runtime.spawn(cache.get_or_compute, "key", compute) for _ in range(WAITERS)]
    for task in tasks:
        task.wait()
    return {"computed": len(asked), "seconds": time.perf_counter() - began}


def run() -> dict[str, Any]:
    """Measure all of it, and print it. What needs the event loop runs in a process of its own, patched first."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        p99 = hung(folder / "server")
        inside = _inside(folder)
    report(p99, inside)
    return {"hung": p99, **inside}


def _inside(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.bench_data", str(folder)]
    told = subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True, timeout=300)
    return dict(json.loads(told.stdout.splitlines()[-1]))


def report(p99: dict[str, float], inside: dict[str, Any]) -> None:
    """Print the ratios beside what is wanted."""
    healthy, hanging = p99["healthy"] * 1000, p99["hung"] * 1000
    print(f"\nsummary, warm, {CONNECTIONS} connections: p99 {healthy:.1f} ms with the database healthy, ", end="")
    print(f"{hanging:.1f} ms with it hung: {hanging / healthy:.2f} times (wanted: at most 1.2)")
    whole, sql = inside["cold"]["whole"] * 1000, inside["cold"]["sql"] * 1000
    print(f"summary of {EXPERIMENTS:,} experiments, nothing kept: {whole:.0f} ms, its SQL alone {sql:.0f} ms: ", end="")
    print(f"{whole / sql:.2f} times (wanted: at most 3)")
    asked = inside["waiters"]
    print(f"{WAITERS:,} ask for one key at once: {asked['computed']} computed (wanted: 1), ", end="")
    print(f"all answered in {asked['seconds'] * 1000:.0f} ms")


if __name__ == "__main__":
    from backend import runtime as _runtime

    _runtime.patch("eventlet")
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"cold": cold(place), "waiters": waiters()}))
