"""A load generator: N keep-alive connections to loopback, each asks again as soon as it is answered.

A process of its own with one thread and plain sockets, so that what it measures is the server and not itself.
Run: python -m bench.load PORT PATH --connections 16 --seconds 4 --header "Authorization: Bearer ..."
Prints one JSON object; times are in seconds.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass

HOST = "127.0.0.1"
MOST_REQUESTS = 200_000
SILENCE = 10.0


@dataclass
class Connection:
    """One connection and the answer that it is waiting for."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""
    wanted: int = -1

    def ask(self, request: bytes, now: float) -> None:
        """Send the request."""
        self.sent_at, self.received, self.wanted = now, b"", -1
        self.socket.sendall(request)

    def take(self) -> bool:
        """Read what is there; tell whether the answer is complete.

        Raises:
            ConnectionError: the server has closed, or has answered neither 200 nor 304.
        """
        piece = self.socket.recv(262_144)
        if not piece:
            raise ConnectionError("the server closed a connection that it was to keep")
        self.received += piece
        if self.wanted < 0 and b"\r\n\r\n" in self.received:
            head = self.received.partition(b"\r\n\r\n")[0]
            if b" 304 " in head[:16]:
                self.wanted = len(head) + 4  # has no body
            elif b" 200 " in head[:16]:
                self.wanted = len(head) + 4 + _length(head)
            else:
                raise ConnectionError(f"answered {head[:60]!r}")
        return 0 <= self.wanted <= len(self.received)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise ConnectionError("an answer without Content-Length")


def measure(port: int, request: bytes, *, connections: int, seconds: float) -> list[float]:
    """Return the time of each answer within `seconds`.

    Raises:
        ConnectionError: the server fails, or is silent for SILENCE seconds.
    """
    selector = selectors.DefaultSelector()
    opened = [Connection(socket.create_connection((HOST, port), timeout=SILENCE)) for _ in range(connections)]
    times: list[float] = []
    ends = time.perf_counter() + seconds
    for connection in opened:
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask(request, time.perf_counter())
    try:
        while time.perf_counter() < ends and len(times) < MOST_REQUESTS:
            ready = selector.select(SILENCE)
            if not ready:
                raise ConnectionError(f"no answer within {SILENCE:g} s")
            for key, _ in ready:
                if key.data.take():
                    now = time.perf_counter()
                    times.append(now - key.data.sent_at)
                    key.data.ask(request, now)
    finally:
        for connection in opened:
            connection.socket.close()
        selector.close()
    return times


def summary(times: list[float], seconds: float) -> dict[str, float]:
    """Return requests, rate, p50, p99 and max."""
    ordered = sorted(times)
    return {
        "requests": len(ordered),
        "rate": len(ordered) / seconds,
        "p50": ordered[len(ordered) // 2],
        "p99": ordered[int(len(ordered) * 0.99)],
        "max": ordered[-1],
    }


def main() -> None:
    """Warm up, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--header", action="append", default=[])
    asked = parser.parse_args()
    lines = [f"GET {asked.path} HTTP/1.1", f"Host: {HOST}:{asked.port}", *asked.header, "", ""]
    request = "\r\n".join(lines).encode()
    measure(asked.port, request, connections=asked.connections, seconds=0.5)
    times = measure(asked.port, request, connections=asked.connections, seconds=asked.seconds)
    sys.stdout.write(json.dumps(summary(times, asked.seconds)) + "\n")


if __name__ == "__main__":
    main()
