"""Several workers of Jupiter for a test, and clients that hang on the one that the test wants."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.client import Events, Rest, eventually
from tests.support.server import Jupiter

PROC = Path("/proc")


def pids(jupiter: Jupiter) -> dict[str, int]:
    """Return worker -> process."""
    found = {}
    for number in jupiter.leftover():
        try:
            text = (PROC / str(number) / "environ").read_bytes()
        except OSError:  # it ended while we looked
            continue
        for entry in text.split(b"\0"):
            if entry.startswith(b"_JUPITER_WORKER="):
                found[entry.partition(b"=")[2].decode()] = number
    return found


@contextmanager
def rest_on(jupiter: Jupiter, worker: str, token: str | None = None, *, timeout: float = 20.0) -> Iterator[Rest]:
    """Give a REST client whose one connection is to this worker."""
    with ExitStack() as others:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            client = others.enter_context(jupiter.rest(token))
            if client.get("/livez").headers.get("jupiter-worker") == worker:
                yield client
                return
    raise AssertionError(f"no connection to worker {worker} within {timeout} s")


@contextmanager
def events_on(jupiter: Jupiter, worker: str, token: str | None = None, *, timeout: float = 20.0) -> Iterator[Events]:
    """Give a socket that hangs on this worker. Those that hang on others stay open meanwhile: that makes room here."""
    with ExitStack() as others:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            events = others.enter_context(jupiter.events(token))
            if events.call("sync", {})["data"]["worker"] == worker:
                yield events
                return
    raise AssertionError(f"no socket on worker {worker} within {timeout} s")


def gone(number: int, *, timeout: float = 15.0) -> None:
    """Wait until a process has ended."""

    def ended() -> bool:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        state = (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z"

    eventually(ended, timeout=timeout)
