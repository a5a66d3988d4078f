"""The two ways to talk to Jupiter: a REST client and a Socket.IO client that remembers every event."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import socketio


@dataclass(frozen=True)
class Answer:
    """One REST answer; `body` is its JSON, or its text where it is none."""

    status: int
    body: Any
    seconds: float
    headers: httpx.Headers


class Rest:
    """A REST client of one user; it raises for no status."""

    def __init__(self, url: str, token: str = "", *, timeout: float = 60.0) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False)

    def __enter__(self) -> "Rest":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **options: Any) -> Answer:
        """Send GET."""
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """Send POST."""
        return self.send("POST", path, **options)

    def send(self, method: str, path: str, **options: Any) -> Answer:
        """Send one request and take its time."""
        started = time.monotonic()
        reply = self._client.request(method, path, **options)
        seconds = time.monotonic() - started
        kind = reply.headers.get("content-type", "")
        return Answer(reply.status_code, reply.json() if "json" in kind else reply.text, seconds, reply.headers)


@dataclass(frozen=True)
class Received:
    """One event that the server has sent; `at` is the monotonic time of its arrival."""

    name: str
    data: Any
    at: float


class Events:
    """A real Socket.IO client over a websocket."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._arrived = threading.Condition()
        self._client = socketio.Client(reconnection=False, handle_sigint=False)
        self._client.on("*", self._note)
        self._client.on("disconnect", lambda *reason: self._note("disconnect", *reason))

    def connect(self, url: str, token: str, *, transports: tuple[str, ...] = ("websocket",)) -> "Events":
        """Connect with a token.

        Raises:
            socketio.exceptions.ConnectionError: refused.
        """
        self._client.connect(url, auth={"token": token}, transports=list(transports), wait_timeout=10)
        return self

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()

    def _note(self, name: str, *data: Any) -> None:
        with self._arrived:
            self.received.append(Received(name, data[0] if data else None, time.monotonic()))
            self._arrived.notify_all()

    def call(self, name: str, data: Any = None, *, timeout: float = 10.0) -> Any:
        """Send an event and return the server's acknowledgement."""
        return self._client.call(name, data, timeout=timeout)

    def emit(self, name: str, data: Any = None) -> None:
        """Send an event and wait for nothing."""
        self._client.emit(name, data)

    def mark(self) -> int:
        """Return the number of events so far, for `wait_for(since=...)`."""
        return len(self.received)

    def named(self, name: str, since: int = 0) -> list[Any]:
        """Return the payloads of all events of that name."""
        return [event.data for event in self.received[since:] if event.name == name]

    def wait_for(
        self, name: str, predicate: Callable[[Any], bool] = lambda _: True, *, timeout: float = 10.0, since: int = 0
    ) -> Any:
        """Return the payload of the first event of that name, after `since`, that the predicate accepts."""
        deadline = time.monotonic() + timeout
        looked_at = since
        with self._arrived:
            while True:
                for event in self.received[looked_at:]:
                    if event.name == name and predicate(event.data):
                        return event.data
                looked_at = len(self.received)
                left = deadline - time.monotonic()
                if left <= 0 or not self._arrived.wait(left):
                    seen = [event.name for event in self.received[since:]]
                    last = next((e.data for e in reversed(self.received) if e.name == name), None)
                    raise AssertionError(f"no such {name} within {timeout} s; came: {seen}; last {name}: {last}")


def eventually(check: Callable[[], Any], *, timeout: float = 10.0, interval: float = 0.05) -> Any:
    """Call `check` until it returns something true, and return that; an AssertionError inside counts as not yet."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            found: Any = check()
            problem: AssertionError | None = None
        except AssertionError as error:
            found, problem = None, error
        if found:
            return found
        if time.monotonic() > deadline:
            raise problem or AssertionError(f"not within {timeout} s; last answer: {found!r}")
        time.sleep(interval)
