"""The process behind `upstream.Upstream`: recorded data on loopback, each upstream with a port and a fault of its own.

Run as a script with plain threads and the standard library alone: whatever is wrong in the code under test, or in the
way the tests are patched, cannot reach it. Its first line on stdout is a JSON object of ports; the one named
`control` takes orders.
"""

import argparse
import hashlib
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))
import recorded

HTML = b"<!doctype html><html><head><title>Gateway</title></head><body><h1>Checking your browser</h1></body></html>"
GARBAGE = b'\x00\x9c{"vulnerabilities": [}{, \xff\xfe\x00 \x1b not json, not xml'
NONSENSE = json.dumps(
    {"vulnerabilities": {"cveID": 5}, "data": "none", "hits": [7, None], "choices": [{"delta": 4}], "count": "many"}
).encode()
RECORDINGS = ("openai-text", "groq-text", "xai-grok3mini-reasoning")  # asked for as a model's name
FAULTS = ("ok", "hang", "refuse", "500", "html", "truncated", "garbage", "nonsense")


@dataclass
class Answer:
    """What an upstream that is well says; `events` for a stream."""

    body: bytes = b""
    kind: str = "application/json"
    status: int = 200
    events: list[bytes] = field(default_factory=list)
    pace: float = 0.0


class Upstream:
    """One port, one fault, one counter."""

    def __init__(self, name: str, answer: Callable[["Upstream", str, dict[str, str]], Answer]) -> None:
        self.name, self.answer, self.fault, self.pace = name, answer, "ok", 0.0
        self.requests = 0
        self.under_fault: list[tuple[float, str]] = []  # when and for which path, since the fault was last set
        self.turn = threading.Lock()  # a request counts for the fault that it is answered with
        self.last: dict[str, Any] = {}
        self.changed = threading.Event()
        self._server = self._bound(0)
        self.port: int = self._server.server_address[1]
        self._open()

    def _bound(self, port: int) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self), bind_and_activate=False)
        server.daemon_threads = True
        server.server_bind()
        return server

    def _open(self) -> None:
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def set(self, fault: str) -> None:
        """Change the fault; answers that hang are dropped."""
        with self.turn:
            was, self.fault, self.under_fault = self.fault, fault, []
            self.changed.set()
            self.changed = threading.Event()
        if fault == "refuse" and was != "refuse":
            self._server.shutdown()
            self._server.server_close()
            self._server = self._bound(self.port)  # bound, not listening: refused, and nobody else takes the port
        elif was == "refuse" and fault != "refuse":
            self._open()


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            last = {"path": self.path, "headers": dict(self.headers), "body": body.decode("utf-8", "replace")}
            self.close_connection = True
            with upstream.turn:
                upstream.requests += 1
                upstream.last = last
                upstream.under_fault.append((time.monotonic(), urlsplit(self.path).path))
                fault, changed = upstream.fault, upstream.changed
            if fault == "hang":
                changed.wait(60)
                return
            if fault == "refuse":  # taken just before the port was closed
                return
            with suppress(ConnectionError):  # the client may leave, which is its right
                self._send(fault)

        do_POST = do_GET  # noqa: N815  (http.server's name)

        def _send(self, fault: str) -> None:
            parts = urlsplit(self.path)
            answer = upstream.answer(upstream, parts.path, dict(parse_qsl(parts.query)))
            if fault == "500":
                answer = Answer(b'{"error": "simulated"}', status=500)
            elif fault == "html":
                answer = Answer(HTML, "text/html")
            elif answer.events:
                self._stream(answer, fault)
                return
            elif fault in ("garbage", "nonsense"):
                answer = Answer(GARBAGE if fault == "garbage" else NONSENSE, answer.kind)
            self._whole(answer, cut=fault == "truncated")

        def _whole(self, answer: Answer, *, cut: bool) -> None:
            tag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
            if answer.status == 200 and self.headers.get("If-None-Match") == tag and not cut:
                self._head(304, answer.kind, tag, 0)
                return
            self._head(answer.status, answer.kind, tag, len(answer.body))
            self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)

        def _stream(self, answer: Answer, fault: str) -> None:
            spoilt = {"garbage": b"data: " + GARBAGE + b"\n\n", "nonsense": b"data: " + NONSENSE + b"\n\n"}
            events = answer.events if fault == "ok" else answer.events[: len(answer.events) // 2]
            self._head(200, answer.kind)
            for event in [*events, *([spoilt[fault]] if fault in spoilt else [])]:
                self.wfile.write(event)
                self.wfile.flush()
                time.sleep(upstream.pace)

        def _head(self, status: int, kind: str, tag: str = "", length: int | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Connection", "close")
            if tag and status in (200, 304):
                self.send_header("ETag", tag)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test's output is the test's."""

    return Handler


def answers(data: Path) -> dict[str, Callable[[Upstream, str, dict[str, str]], Answer]]:
    """What each upstream says, by name."""
    catalogue, scores, started = recorded.kev(data), recorded.Epss(data), datetime.now(UTC)
    served: dict[str, bytes] = {}
    stories = recorded.stories(data, started)

    def feeds(_upstream: Upstream, path: str, _query: dict[str, str]) -> Answer:
        name = Path(path).name
        if not (data / "rss" / name).is_file():
            return Answer(b'{"error": "no such feed"}', status=404)
        if name not in served:
            served[name] = recorded.feed(data, name, started)
        return Answer(served[name], recorded.TYPES.get(Path(name).suffix, "application/json"))

    def llm(upstream: Upstream, path: str, _query: dict[str, str]) -> Answer:
        if path.endswith("/models"):
            return Answer(recorded.models())
        model = json.loads(upstream.last["body"] or "{}").get("model", "")
        name = f"{model}.sse" if model in RECORDINGS else "xai-short.sse"
        return Answer(kind="text/event-stream", events=recorded.stream(data, name))

    page, advisories = recorded.nvd(data), recorded.ghsa(data)

    def misp(_upstream: Upstream, path: str, _query: dict[str, str]) -> Answer:
        file = data / "misp" / "feed" / Path(path).name
        return Answer(file.read_bytes()) if file.is_file() else Answer(b"{}", status=404)

    return {
        "kev": lambda *_: Answer(catalogue),
        "nvd": lambda *_: Answer(page),
        "ghsa": lambda *_: Answer(advisories),
        "misp": misp,
        "epss": lambda _upstream, _path, query: Answer(scores.answer(query)),
        "feeds": feeds,
        "hn": lambda *_: Answer(stories),
        "llm": llm,
    }


def _control(upstreams: dict[str, Upstream], command: dict[str, Any]) -> dict[str, Any]:
    for name, fault in command.get("faults", {}).items():
        upstreams[name].set(fault)
    for name, pace in command.get("pace", {}).items():
        upstreams[name].pace = pace
    return {
        name: {"requests": u.requests, "fault": u.fault, "last": u.last, "under_fault": u.under_fault}
        for name, u in upstreams.items()
    }


def main() -> None:
    """Serve until stdin is closed, which happens too when the test run dies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    upstreams = {name: Upstream(name, answer) for name, answer in answers(parser.parse_args().data).items()}

    class Control(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            command = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(_control(upstreams, command)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    control = ThreadingHTTPServer(("127.0.0.1", 0), Control)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    ports = {name: upstream.port for name, upstream in upstreams.items()}
    sys.stdout.write(json.dumps({**ports, "control": control.server_address[1]}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
