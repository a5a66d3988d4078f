"""Several workers of Jupiter for a test, and clients that hang on the one that the test wants."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from socketio.exceptions import SocketIOError

from tests.support.client import Answer, Events, Rest, eventually
from tests.support.server import Jupiter

PROC = Path("/proc")
START = 60.0  # seconds, for a worker that has yet to be started on a busy machine


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


class Pinned(Rest):
    """A REST client that keeps its one connection, and with it the worker, for as long as it is used."""

    worker = ""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(url, token)
        self._client.close()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=None)
        self._client = httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False, limits=limits)

    def send(self, method: str, path: str, **options: Any) -> Answer:
        """Send one request."""
        answer = super().send(method, path, **options)
        self.worker = answer.headers.get("jupiter-worker", self.worker)
        return answer


@contextmanager
def rest_on(jupiter: Jupiter, worker: str, token: str | None = None, *, timeout: float = START) -> Iterator[Rest]:
    """Give a REST client whose one connection is to this worker, to the end."""
    problem: Exception | None = None
    with ExitStack() as others:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            client = others.enter_context(Pinned(jupiter.url, jupiter.token if token is None else token))
            try:
                client.get("/livez")
            except httpx.TransportError as error:  # a worker that dies had taken the connection
                problem = error
                time.sleep(0.05)
                continue
            if client.worker == worker:
                yield client
                assert client.worker == worker, "the connection was lost, and the next one was to another worker"
                return
    raise AssertionError(f"no connection to worker {worker} within {timeout} s") from problem


@contextmanager
def events_on(jupiter: Jupiter, worker: str, token: str | None = None, *, timeout: float = START) -> Iterator[Events]:
    """Give a socket that hangs on this worker. Those that hang on others stay open meanwhile: that makes room here."""
    problem: Exception | None = None
    with ExitStack() as others:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                events = others.enter_context(jupiter.events(token))
                found = events.call("sync", {})["data"]["worker"]
            except SocketIOError as error:  # a worker that dies had taken the connection
                problem = error
                time.sleep(0.05)
                continue
            if found == worker:
                yield events
                return
    raise AssertionError(f"no socket on worker {worker} within {timeout} s") from problem


def gone(number: int, *, timeout: float = 15.0) -> None:
    """Wait until a process has ended."""

    def ended() -> bool:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        try:
            state = (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it ended while we looked
            return True
        return state == "Z"

    eventually(ended, timeout=timeout)
