"""Jupiter against bare Flask and bare Flask-SocketIO: rate and tail at 16 keep-alive connections, start-up, memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.bare import PATH
from tests.support.server import Jupiter

HERE = Path(__file__).resolve().parent
CONNECTIONS = 16
SECONDS = 4.0
ROUNDS = 3
STARTS = 5


def load(port: int, *headers: str) -> dict[str, float]:
    """Measure a server that listens on `port`."""
    options = ["--connections", str(CONNECTIONS), "--seconds", str(SECONDS)]
    asked = [part for header in headers for part in ("--header", header)]
    command = [sys.executable, "-m", "bench.load", str(port), PATH, *options, *asked]
    told = subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True, timeout=60)
    return dict(json.loads(told.stdout))


@contextmanager
def bare(kind: str, body: Path) -> Iterator[int]:
    """Run a bare server and give its port."""
    command = [sys.executable, str(HERE / "bare.py"), kind, str(body)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def compare(folder: Path) -> dict[str, dict[str, float]]:
    """Measure all three in turn, ROUNDS times, so that a busy moment of the machine meets all of them alike."""
    body = folder / "body.json"
    with Jupiter(folder / "jupiter", {"JUPITER_RATE_LIMIT": "1000000/second"}) as jupiter:
        with jupiter.rest() as rest:
            for number in range(60):
                made = {"name": f"experiment {number}", "experiment_type": "benchmark"}
                rest.post("/api/experiments", json=made)
            rest.get(PATH)  # is computed; the next one is kept, and has a tag
            etag = rest.get(PATH).headers["etag"]
            body.write_text(json.dumps(rest.get(PATH).body, separators=(",", ":")))
        port, header = int(jupiter.url.rsplit(":", 1)[1]), f"Authorization: Bearer {jupiter.token}"
        signed = f"Authorization: Bearer {_warm(jupiter)}"
        with bare("flask", body) as flask, bare("socketio", body) as socketio:
            rounds = [
                {
                    "jupiter": load(port, header),
                    "signed": load(port, signed),
                    "unchanged": load(port, header, f"If-None-Match: {etag}"),
                    "flask": load(flask),
                    "socketio": load(socketio),
                }
                for _ in range(ROUNDS)
            ]
    return {name: _median([each[name] for each in rounds]) for name in rounds[0]}


def _warm(jupiter: Jupiter) -> str:
    """Return a signed token whose owner's summary is kept, with as many experiments as the administrator has."""
    token = jupiter.token_for("bench", "analyst")
    with jupiter.rest(token=token) as rest:
        for number in range(60):
            rest.post("/api/experiments", json={"name": f"experiment {number}", "experiment_type": "benchmark"})
        rest.get(PATH)
    return token


def _median(measured: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in measured) for name in measured[0]}


def starts(folder: Path) -> dict[str, float]:
    """Start Jupiter without any setting several times; return seconds until ready, and memory in MiB."""
    seconds, memory = [], []
    for number in range(STARTS):
        with Jupiter(folder / f"start-{number}") as jupiter:
            seconds.append(jupiter.ready_seconds)
            memory.append(jupiter.memory() / 2**20)
    return {"ready": statistics.median(seconds), "slowest": max(seconds), "memory": statistics.median(memory)}


def run() -> dict[str, Any]:
    """Measure everything that needs a server, and print it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        found = compare(folder)
        started = starts(folder)
    report(found, started)
    return {"servers": found, "starts": started}


def report(found: dict[str, dict[str, float]], started: dict[str, float]) -> None:
    """Print the comparison."""
    titles = {
        "jupiter": "Jupiter",
        "signed": "Jupiter, signed token",
        "unchanged": "Jupiter, 304 Not Modified",
        "flask": "bare Flask on eventlet",
        "socketio": "bare Flask-SocketIO on eventlet",
    }
    print(f"\nGET {PATH}, the same bytes, {CONNECTIONS} keep-alive connections, median of {ROUNDS} rounds")
    print(f"{'':34}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'max ms':>10}{'p99/p50':>10}")
    for name, row in found.items():
        times = "".join(f"{row[key] * 1000:>10.1f}" for key in ("p50", "p99", "max"))
        print(f"{titles[name]:34}{row['rate']:>12.0f}{times}{row['p99'] / row['p50']:>10.1f}")
    ours, flask = found["jupiter"], found["flask"]
    print(
        f"cached summary route: {ours['rate'] / flask['rate']:.2f} of bare Flask's rate (wanted: at least 0.8)", end=""
    )
    print("; it authenticates, limits and counts as well")
    print(f"with a signed token: {found['signed']['rate'] / flask['rate']:.2f}", end="")
    print(f"; 304 at {found['unchanged']['rate'] / ours['rate']:.2f} times the rate of 200 (wanted: above 1)")
    print(f"p99 is {ours['p99'] / ours['p50']:.1f} times p50 (wanted: at most 4)")
    print(
        f"\nstart-up: ready after {started['ready']:.2f} s (slowest of {STARTS}: {started['slowest']:.2f} s, wanted: 2)"
    )
    print(f"memory when ready: {started['memory']:.0f} MiB")


if __name__ == "__main__":
    run()
