"""kill -9 in the middle of a thousand writes, half of them while the database is away: nothing acknowledged is lost."""

from __future__ import annotations

import sqlite3
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from backend import runtime
from backend.storage.database import rows
from backend.storage.sqlite import SqliteDatabase
from backend.storage.supabase import SupabaseDatabase
from tests.integration.writers import Writers
from tests.support.client import eventually
from tests.support.server import NOWHERE, Jupiter
from tests.support.tcp_proxy import TcpProxy, http_answer

WRITES = 1000
FAST = {
    **NOWHERE,
    "JUPITER_BREAKER_FAILURES": "5",
    "JUPITER_BREAKER_OPEN_SECONDS": "0.5",
    "JUPITER_CALL_TIMEOUT_SECONDS": "3",
    "JUPITER_RATE_LIMIT": "1000000/second",
}


class Outage(Protocol):
    """A database that can be taken away from the server, and read past it."""

    settings: dict[str, str]

    def begin(self, jupiter: Jupiter) -> None: ...

    def end(self) -> None: ...

    def read(self, jupiter: Jupiter) -> list[dict[str, Any]]: ...


class LockedFile:
    """Another process that holds the write lock of the SQLite file."""

    settings: dict[str, str] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self._holder: sqlite3.Connection | None = None

    def begin(self, jupiter: Jupiter) -> None:
        self._holder = sqlite3.connect(_file(jupiter), isolation_level=None, timeout=30, check_same_thread=False)
        runtime.offload(self._holder.execute, "BEGIN IMMEDIATE")

    def end(self) -> None:
        if self._holder is not None:
            self._holder.execute("ROLLBACK")
            self._holder.close()
            self._holder = None

    def read(self, jupiter: Jupiter) -> list[dict[str, Any]]:
        database = SqliteDatabase(_file(jupiter))
        found = rows(database.execute_query("experiments", "select"))
        database.close()
        return found


class BehindAProxy:
    """Supabase behind a proxy of the test's own that answers 500, hangs, and cuts answers off."""

    def __init__(self, served: Any) -> None:
        served.empty()
        self._served = served
        self.proxy = TcpProxy(served.port)
        self.proxy.answer = http_answer("500 Internal Server Error", b'{"message": "down"}')
        self.settings = {"SUPABASE_URL": f"http://127.0.0.1:{self.proxy.port}", "SUPABASE_KEY": served.key}

    def begin(self, jupiter: Jupiter) -> None:
        self.proxy.mode = "cut"  # the outcome of what is under way is unknown: written, and the answer lost
        runtime.sleep(0.3)
        self.proxy.mode = "answer"

    def end(self) -> None:
        self.proxy.mode = "pass"

    def read(self, jupiter: Jupiter) -> list[dict[str, Any]]:
        database = SupabaseDatabase(self._served.url, self._served.key)
        found = rows(database.execute_query("experiments", "select"))
        database.close()
        return found


def _file(jupiter: Jupiter) -> Path:
    return jupiter.folder / "var" / "jupiter.sqlite3"


@pytest.fixture(params=["sqlite", pytest.param("supabase", marks=pytest.mark.node)])
def outage(request: pytest.FixtureRequest) -> Iterator[Outage]:
    if request.param == "sqlite":
        made: Any = LockedFile()
        yield made
        made.end()
        return
    made = BehindAProxy(request.getfixturevalue("supabase_lite"))
    yield made
    made.proxy.stop()


def waiting(jupiter: Jupiter) -> dict[str, Any]:
    with jupiter.rest() as rest:
        body: dict[str, Any] = rest.get("/api/outbox").body
        return body


@pytest.mark.timeout(400)
def test_every_acknowledged_write_is_there_exactly_once(
    serve: Callable[..., Jupiter], outage: Outage, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server is killed while the database is away, and again while it is being caught up with."""
    jupiter = serve({**FAST, **outage.settings})
    writers = Writers(jupiter, WRITES)
    writers.wait_until(WRITES // 4)
    outage.begin(jupiter)
    writers.wait_until(WRITES // 2)
    _kill_and_start(jupiter, writers)
    writers.wait_until(3 * WRITES // 4)
    writers.pause()
    kept = waiting(jupiter)["pending"]
    outage.end()
    eventually(lambda: waiting(jupiter)["pending"] < kept, timeout=60, interval=0.01)
    _kill_and_start(jupiter, writers)
    writers.go_on()
    writers.finish()
    eventually(lambda: waiting(jupiter)["pending"] == 0, timeout=120, interval=0.2)
    assert waiting(jupiter)["set_aside"] == 0
    there = Counter(row["name"] for row in outage.read(jupiter))
    ids = {row["name"]: row["id"] for row in outage.read(jupiter)}
    told = f"{dict(writers.statuses)}, {len(writers.unanswered)} unanswered, {kept} waited, {len(there)} rows"
    with capsys.disabled():
        print(f"\n{type(outage).__name__}: {told}")  # noqa: T201
    assert writers.acknowledged == {name: ids.get(name) for name in writers.acknowledged}, told
    assert set(there.values()) == {1}, told
    assert writers.statuses[202] >= WRITES // 4, told
    assert len(writers.acknowledged) >= WRITES * 0.9, told
    assert stat.S_IMODE((jupiter.folder / "var" / "outbox.sqlite3").stat().st_mode) == 0o600
    assert "Traceback" not in jupiter.output


def _kill_and_start(jupiter: Jupiter, writers: Writers) -> None:
    jupiter.kill()
    writers.pause()
    jupiter.start()
    writers.go_on()


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_while_the_file_is_locked_everything_goes_on_and_says_what_it_is(
    serve: Callable[..., Jupiter], mode: str
) -> None:
    """202 and `queued`, the row in item and list, health, metrics; in the end all is as if nothing was."""
    if mode == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed; `make test` installs it")
    jupiter, outage = serve({**FAST, "JUPITER_ASYNC_MODE": mode}), LockedFile()
    with jupiter.rest(timeout=60) as rest:  # the first write waits for the lock before it is kept
        body = {"name": "kept", "experiment_type": "benchmark"}
        assert "queued" not in rest.post("/api/experiments", json=body | {"name": "before"}).body
        outage.begin(jupiter)
        made = rest.post("/api/experiments", json=body)
        assert (made.status, made.body["queued"]) == (202, True)
        address = made.headers["Location"]
        assert rest.get(address).body["queued"] is True
        changed = rest.send("PATCH", address, json={"status": "running"})
        assert (changed.status, changed.body["status"]) == (202, "running")
        listed = rest.get("/api/experiments").body
        assert [row["name"] for row in listed["experiments"]] == ["kept", "before"]
        assert listed["queued"] == 2
        entries = rest.get("/api/outbox").body["entries"]
        assert [(entry["operation"], entry["state"]) for entry in entries] == [
            ("upsert", "pending"),
            ("update", "pending"),
        ]
        assert "kept" not in str(entries), "the console shows what is written, not its values"
        health = eventually(lambda: _degraded(rest))
        assert "2 writes wait" in health["message"]
        assert "jupiter_outbox_pending 2.0" in rest.get("/metrics").body
        outage.end()
        eventually(lambda: rest.get("/api/outbox").body["pending"] == 0, timeout=30)
        found = rest.get(address).body
        assert ("queued" in found, found["status"]) == (False, "running")
        assert eventually(lambda: rest.get("/api/dashboard/summary").body["total_experiments"] == 2)


def _degraded(rest: Any) -> Any:
    check = rest.get("/api/dashboard/health").body["checks"]["outbox"]
    return check if check["status"] == "degraded" else None
