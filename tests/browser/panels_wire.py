"""The live connection of a page, played by the test: every event, number and silence is the test's own choice.

The pages come from a real server; only the socket is taken over, in the wire format of Engine.IO 4 and Socket.IO 5.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.server import NOWHERE

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

SETTINGS = {**NOWHERE, "JUPITER_LOGIN_RATE_LIMIT": "1000/minute"}
"""Of the server whose pages are opened: it is asked for pages only, but by many tests in a minute."""
SOCKET = "**/socket.io/**"
HANDSHAKE = '0{"sid":"test","upgrades":[],"pingInterval":3600000,"pingTimeout":6000,"maxPayload":2000000}'
"""Nobody pings here, so none is promised for as long as a test may take."""
Answer = Callable[[Any], Any]


class Refusal(Exception):
    """An ack that is not ok."""

    def __init__(self, **body: Any) -> None:
        super().__init__(body)
        self.body = body


class Wire:
    """Takes the place of the server's socket in one page; make it before the page is opened.

    Args:
        snapshots: stream -> (event, payload) that `sync` answers where the page is behind.
    """

    def __init__(self, page: Page, snapshots: dict[str, tuple[str, dict[str, Any]]] | None = None) -> None:
        self._page = page
        self.snapshots = dict(snapshots or {})
        self.received: list[tuple[str, Any]] = []
        self.answers: dict[str, Answer] = {}
        self.silent = False
        self.refusing = False
        self.log: dict[str, list[dict[str, Any]]] = {}
        self._seq = {
            "threats": 100,
            "pulse": 100,
            "status": 100,
            "summary": 100,
            "chat": 100,
            "scans": 100,
            "alerts": 100,
            "notice": 100,
        }
        self._first = dict(self._seq)
        self._sockets: list[WebSocketRoute] = []
        page.route(SOCKET, lambda route: route.abort())  # polling, the way round the websocket
        page.route_web_socket(SOCKET, self._open)

    def push(self, stream: str, event: str, payload: dict[str, Any], *, lost: bool = False, times: int = 1) -> None:
        """Number an event, keep it for `sync`, and send it; `lost` leaves the sending out."""
        self._seq[stream] += 1
        stamped = {**payload, "stream": stream, "seq": self._seq[stream], "at": iso()}
        self.log.setdefault(stream, []).append({"event": event, "payload": stamped})
        for _ in range(0 if lost else times):
            self.send(event, stamped)

    def send(self, event: str, payload: dict[str, Any]) -> None:
        """Send an event as it is to the newest socket."""
        self._write(f"42{json.dumps([event, payload])}")

    def cut(self) -> None:
        """Close the connection as a dying server does."""
        for socket in self._sockets:
            socket.close()

    def sent(self, event: str) -> list[Any]:
        """Return the payloads of one event that the page has sent."""
        return [payload for name, payload in self.received if name == event]

    def _open(self, socket: WebSocketRoute) -> None:
        if self.refusing:
            socket.close()
            return
        self._sockets = [socket]
        socket.on_message(lambda message: self._take(str(message)))
        socket.send(HANDSHAKE)

    def _write(self, text: str) -> None:
        if self._sockets and not self.silent:
            self._sockets[-1].send(text)

    def _take(self, message: str) -> None:
        if message.startswith("40"):
            self._write('40{"sid":"test"}')
        elif message.startswith("42"):
            number, _, body = message[2:].partition("[")
            event, *args = json.loads(f"[{body}")
            payload = args[0] if args else {}
            self.received.append((event, payload))
            if not self.silent:
                self._write(f"43{number}{json.dumps([self._ack(event, payload)])}")
                self._answer_request(event)

    def _ack(self, event: str, payload: Any) -> dict[str, Any]:
        if event == "sync":
            return {"ok": True, "data": {"streams": {name: self._missed(name, seq) for name, seq in payload.items()}}}
        try:
            return {"ok": True, "data": self.answers.get(event, lambda _: None)(payload)}
        except Refusal as refusal:
            return {"ok": False, "error": refusal.body}

    def _missed(self, stream: str, seq: int) -> dict[str, Any]:
        if self._first[stream] <= seq <= self._seq[stream]:
            return {"events": [one for one in self.log.get(stream, []) if one["payload"]["seq"] > seq]}
        last = self._seq[stream]
        taken = [self.snapshots[stream]] if stream in self.snapshots else []
        shown = [{"event": event, "payload": {**body, "stream": stream, "seq": last}} for event, body in taken]
        return {"gap": True, "seq": last, "snapshot": shown}

    def _answer_request(self, event: str) -> None:
        noun = event.removeprefix("request_")
        if event != noun and noun in self.snapshots:
            name, payload = self.snapshots[noun]
            self.send(name, {**payload, "request": True})


def until(page: Page, check: Callable[[], Any], *, seconds: float = 20) -> None:
    """Let the page and its wire go on until `check` is true."""
    ends = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < ends, f"not within {seconds} s"
        page.wait_for_timeout(20)


def iso(seconds: float = 0) -> str:
    """Return a time from now as the server writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def source(name: str, title: str, status: str = "live", **more: Any) -> dict[str, Any]:
    """Return an entry of the ledger."""
    confirmed = None if status in ("loading", "not_configured", "error") else iso(-3)
    entry = {"name": name, "title": title, "status": status, "as_of": confirmed, "records": 2}
    return {**entry, "next_try": iso(20), "circuit_breaker": "closed", **more}


def threat(number: int, **more: Any) -> dict[str, Any]:
    """Return a threat record."""
    return {
        "id": f"DEMO-2026-{number:04d}",
        "title": f"Example Co. Router {number} Command Injection Vulnerability",
        "summary": "Invented: lets attackers run commands.",
        "severity": ("critical", "high", "medium", "low")[number % 4],
        "severity_basis": "exploitation",
        "vendor": "Example Co.",
        "product": f"Router {number}",
        "known_exploited": True,
        "ransomware": number % 3 == 0 or None,
        "required_action": "Apply the update.",
        "due_date": "2026-01-01",
        "date_added": "2025-12-01",
        "published": "2025-12-01",
        "updated": None,
        "cwes": ["CWE-78"],
        "references": ["https://example.com/advisory", "javascript:alert(1)"],
        "epss": 0.5,
        "percentile": 0.9,
        "epss_date": None,
        "sources": ["cisa_kev"],
        "priority": 80,
        "priority_reasons": ["Exploited in the wild"],
        **more,
    }


def threats(count: int = 2, *, age: float = 1, ttl: float = 600, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return threats_update with `count` records confirmed `age` seconds ago."""
    listed = [threat(number) for number in range(1, count + 1)]
    payload = {"threats": listed, "count": count, "success": True, "total": count, "as_of": iso(-age), "ttl": ttl}
    return "threats_update", {**payload, "stale": False, "sources": [source("cisa_kev", "CISA KEV")], **more}


def pulse(topics: int = 2, *, window: str = "24h", **more: Any) -> tuple[str, dict[str, Any]]:
    """Return pulse_update."""
    item = {"title": "An article", "url": "https://example.com/a", "source": "Example", "published": iso(-600)}
    one = {"kind": "phrase", "mentions": 4, "authors": 1, "sources": 2, "source_names": ["Example"], "velocity": 0.5}
    listed = [{**one, "topic": f"topic {n}", "burst": None, "items": [item], "threat_id": None} for n in range(topics)]
    payload = {"status": "live", "topics": listed, "window": window, "window_end": iso(), "as_of": iso(-1), "ttl": 600}
    feeds = [source("feed:example.com/rss", "Example")]
    return "pulse_update", {**payload, "stale": False, "sources": feeds, "items_total": 9, **more}


def status(**features: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return status_update; `features` replace parts of single features."""
    names = ("grok_chat", "threat_intelligence", "community_pulse", "scan_processing", "dashboard_data")
    well = {"enabled": True, "circuit_breaker": "closed", "failures": 0, "dependencies": {}}
    errors = {"total_errors": 0, "errors_by_type": {}, "error_rate": 0.0}
    checks = {"database": {"status": "healthy", "response_time": 0.001}, "llm": {"status": "healthy"}}
    shown = {name: {**well, **features.get(name, {})} for name in names}
    return "status_update", {
        "features": shown,
        "errors": errors,
        "timestamp": iso(),
        "health": "healthy",
        "checks": checks,
    }


def summary(total: int = 3, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return summary_update."""
    one = {"experiment_type": "chaos_drill", "status": "completed", "description": "", "parameters": {}}
    listed = [{**one, "id": str(n), "name": f"Drill {n}", "created_at": iso(-9000)} for n in range(total)]
    payload: dict[str, Any] = {
        "total_experiments": total,
        "experiments": listed,
        "experiments_by_type": {"chaos_drill": total} if total else {},
        "experiments_by_status": {"completed": total} if total else {},
        "recent_activity": {"last_7_days": total, "completion_rate": 100.0},
        "timestamp": iso(),
        "partial_failure": False,
        "cached": False,
        "cache_timestamp": None,
    }
    return "summary_update", {**payload, **more}


def all_well() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return snapshots of a day without trouble."""
    return {"threats": threats(), "pulse": pulse(), "status": status(), "summary": summary()}
