"""The way of an answer's first piece: from the provider's socket to a browser's, through a real server process.

The provider is a server of its own process on loopback that speaks the OpenAI protocol and writes the time into each
piece that it sends, so that nothing has to be matched; the browser is a Socket.IO client on a websocket. Both read the
same clock (CLOCK_MONOTONIC is one for all processes). What is measured is all that lies between: the HTTP client, the
guard, the conversation, the numbering, the push, the websocket.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.client import Events
from tests.support.server import NOWHERE, Jupiter

HERE = Path(__file__).resolve().parent
ANSWERS = 60
PIECES = 20
PACE = 0.02
THINKING = 0.02
WANTED_MS = 20.0


class Provider(BaseHTTPRequestHandler):
    """Answers every question with pieces that tell when they were sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Stream an answer."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        time.sleep(THINKING)  # a model thinks before its first piece; what is measured begins there
        for _ in range(PIECES):
            self._say({"content": f"{time.monotonic_ns()} "})
            time.sleep(PACE)
        self._say({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _say(self, delta: dict[str, str], finish: str | None = None) -> None:
        chunk = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "bench"}
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        self.wfile.write(b"data: " + json.dumps({**chunk, "choices": choices}).encode() + b"\n\n")
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what is printed is the benchmark's."""


def serve() -> None:
    """Be the provider, on a free port that is printed first, until stdin ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


@contextmanager
def provider() -> Iterator[str]:
    """Run the provider in a process of its own and give its base URL."""
    command = [sys.executable, "-m", "bench.bench_chat", "provider"]
    with subprocess.Popen(
        command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


class Reader:
    """A browser that notes the time at which each piece of an answer arrives."""

    def __init__(self, url: str, token: str) -> None:
        self._events = Events().connect(url, token)

    def ask(self) -> tuple[float, list[float]]:
        """Ask one question; return the delay of its first piece and of all others, in milliseconds."""
        since = self._events.mark()
        asked = {"message": "What is new?", "client_message_id": f"bench-{time.monotonic_ns()}"}
        answer = self._events.call("chat_message", asked)["data"]["message_id"]
        self._events.wait_for("chat_response", lambda told: told["message_id"] == answer, since=since)
        received = [event for event in self._events.received[since:] if event.name == "chat_delta"]
        delays = [event.at * 1000 - float(sent) / 1e6 for event in received for sent in event.data["delta"].split()]
        return delays[0], delays[1:]

    def close(self) -> None:
        """Leave."""
        self._events.__exit__()


def measure(folder: Path, *, answers: int = ANSWERS) -> dict[str, float]:
    """Ask one question after another; return the delays in milliseconds."""
    with provider() as address:
        settings = {
            **NOWHERE,
            "JUPITER_LLM_PROVIDER": "compatible",
            "JUPITER_LLM_BASE_URL": address,
            "JUPITER_LLM_MODEL": "bench",
            "JUPITER_LLM_API_KEY": "bench",
            "JUPITER_EVENT_RATE_LIMIT": "100000/minute",
        }
        with Jupiter(folder, settings) as jupiter:
            reader = Reader(jupiter.url, jupiter.token)
            reader.ask()  # the first one loads the client
            found = [reader.ask() for _ in range(answers)]
            reader.close()
    first = [delay for delay, _ in found]
    later = [delay for _, rest in found for delay in rest]
    return {
        "first": statistics.median(first),
        "first_p95": statistics.quantiles(first, n=20)[-1],
        "later": statistics.median(later),
        "later_p99": statistics.quantiles(later, n=100)[-1],
        "answers": float(len(first)),
        "pieces": float(len(first) + len(later)),
    }


def run() -> dict[str, float]:
    """Measure, and print it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        found = measure(Path(name))
    print(f"\nchat: from the provider to the browser, {found['answers']:.0f} answers of {PIECES} pieces, milliseconds")
    print(f"  first piece   median {found['first']:6.1f}   p95 {found['first_p95']:6.1f}   (wanted: {WANTED_MS:.0f})")
    print(f"  later pieces  median {found['later']:6.1f}   p99 {found['later_p99']:6.1f}")
    return found


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["provider"] else run()
