"""Alerts told outside by a real webhook: not lost while it is away, not even over a restart."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.catalogue import Catalogue
from tests.support.client import eventually
from tests.support.server import Jupiter

NAME = "CVE-2026-66001"


class Webhook:
    """Takes messages on a port that refuses while it is away."""

    def __init__(self):
        self.messages, self.port, self._server = [], 0, None

    def open(self):
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                webhook.messages.append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        if self._server is None:
            self._server = self._bound(Handler)
        self._server.RequestHandlerClass = Handler
        self._server.server_activate()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._server = self._bound(BaseHTTPRequestHandler)  # bound, not listening: refused, and nobody takes the port

    def _bound(self, handler):
        made = ThreadingHTTPServer(("127.0.0.1", self.port), handler, bind_and_activate=False)
        made.server_bind()
        self.port = made.server_port
        return made


@pytest.fixture
def world():
    catalogue, webhook = Catalogue(), Webhook()
    webhook.open()
    yield catalogue, webhook
    catalogue.stop()


def test_an_alert_reaches_a_webhook_that_was_away_also_after_a_restart(tmp_path, world):
    catalogue, webhook = world
    webhook.close()
    environ = {**catalogue.environ(), "JUPITER_ALERT_URLS": f"json://127.0.0.1:{webhook.port}/alerts"}
    catalogue.add("CVE-2020-0001")
    with Jupiter(tmp_path / "jupiter", environ).start() as first, first.rest() as rest:
        assert rest.post("/api/watch-list", json={"term": NAME}).status == 201
        catalogue.add(NAME)
        (alert,) = eventually(lambda: rest.get("/api/alerts").body["alerts"], timeout=30)
        assert alert["delivery"] == "pending"
        longest = _slowest(rest, 5)
        assert rest.get("/api/feature-status").body["scan_processing"]["enabled"] is True
        assert rest.get("/api/alerts").body["alerts"][0]["delivery"] == "pending"
        assert longest < 2.0, longest  # loading the library and waiting for the receiver hold nobody up
        assert first.stop() == 0
    webhook.open()
    with Jupiter(tmp_path / "jupiter", environ).start() as second, second.rest() as rest:
        eventually(lambda: webhook.messages, timeout=40)
        eventually(lambda: rest.get("/api/alerts").body["alerts"][0]["delivery"] == "delivered")
        (message,) = webhook.messages
        assert message["title"] == f"Jupiter: {NAME} is now known to be exploited"
        assert f"127.0.0.1:{webhook.port}" not in second.output.replace(
            catalogue.environ()["JUPITER_SOURCE_CISA_KEV_URL"], ""
        )
    webhook.close()


def _slowest(rest, seconds):
    """Ask for the simplest page again and again and return the longest answer in seconds."""
    ends, slowest = time.monotonic() + seconds, 0.0
    while time.monotonic() < ends:
        slowest = max(slowest, rest.get("/livez").seconds)
        time.sleep(0.01)
    return slowest
