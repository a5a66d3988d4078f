"""A catalogue of known exploited vulnerabilities on loopback, to which a test may add entries while it is served."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Catalogue:
    """Serves entries in the form of CISA's catalogue."""

    def __init__(self, ids: Sequence[str] = ()) -> None:
        self.entries = [entry(name, "2024-01-01") for name in ids]
        self.requests = 0
        catalogue = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                catalogue.requests += 1
                body = catalogue.document()
                tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
                same = self.headers.get("If-None-Match") == tag
                self.send_response(304 if same else 200)
                self.send_header("ETag", tag)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "0" if same else str(len(body)))
                self.end_headers()
                if not same:
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that are killed
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def document(self) -> bytes:
        """Return the catalogue as it is now."""
        return document(self.entries)

    def add(self, name: str, **said: str) -> None:
        """Take a vulnerability into the catalogue today."""
        self.entries = [*self.entries, entry(name, datetime.now(UTC).date().isoformat(), **said)]

    def environ(self) -> dict[str, str]:
        """Return the settings that point a server here."""
        return {
            "JUPITER_SOURCES": "cisa_kev",
            "JUPITER_SOURCE_CISA_KEV_URL": f"http://127.0.0.1:{self._server.server_port}/kev.json",
            "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "0.5",
            "JUPITER_PULSE_FEEDS": "http://127.0.0.1:1/feed.xml",
            "JUPITER_BREAKER_FAILURES": "1000000",
        }

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def document(entries: Sequence[dict[str, Any]]) -> bytes:
    """Return a catalogue of these entries."""
    told = {"title": "Catalogue", "catalogVersion": "1", "dateReleased": "2026-11-21T00:00:00.0000Z"}
    return json.dumps({**told, "count": len(entries), "vulnerabilities": list(entries)}).encode()


def entry(name: str, added: str, *, vendor: str = "Acme", product: str = "Gateway") -> dict[str, Any]:
    """Return an entry of the catalogue."""
    return {
        "cveID": name,
        "vendorProject": vendor,
        "product": product,
        "vulnerabilityName": f"{vendor} {product} something",
        "dateAdded": added,
        "shortDescription": "Made up.",
        "requiredAction": "Apply updates.",
        "dueDate": "2027-01-31",
        "knownRansomwareCampaignUse": "Unknown",
        "notes": "",
        "cwes": [],
    }
