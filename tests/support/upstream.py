"""Recorded upstreams for a server under test: real HTTP on loopback, each with a fault that a test may choose."""

import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.requirements import require_data

NAMES = ("kev", "nvd", "ghsa", "misp", "epss", "feeds", "hn", "llm")
FAULTS = ("hang", "refuse", "500", "html", "truncated", "garbage", "nonsense")
GOOD_FEEDS = ("securityweek.xml", "databreaches.xml", "proofpoint.xml", "heise.atom", "rss_2.0_cloudflare.xml")


class Upstreams:
    """The upstreams in a process of their own."""

    def __init__(self, data: Path | None = None) -> None:
        self._data = data or require_data()
        script = Path(__file__).with_name("upstream_process.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), "--data", str(self._data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.ports: dict[str, int] = json.loads(self._process.stdout.readline())

    def data_file(self, name: str) -> bytes:
        """Return a recorded file as it is."""
        return (self._data / name).read_bytes()

    def address(self, name: str) -> str:
        """Return the base address of one upstream."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def environ(self, *, feeds: tuple[str, ...] = GOOD_FEEDS) -> dict[str, str]:
        """Return the settings that point a server here."""
        return {
            "JUPITER_SOURCES": "cisa_kev ghsa nvd epss misp hacker_news",
            "JUPITER_SOURCE_NVD_URL": f"{self.address('nvd')}/rest/json/cves/2.0",
            "JUPITER_SOURCE_GHSA_URL": f"{self.address('ghsa')}/advisories",
            "JUPITER_SOURCE_MISP_URL": f"{self.address('misp')}/feed",
            "JUPITER_SOURCE_CISA_KEV_URL": f"{self.address('kev')}/known_exploited_vulnerabilities.json",
            "JUPITER_SOURCE_EPSS_URL": f"{self.address('epss')}/data/v1/epss",
            "JUPITER_SOURCE_HACKER_NEWS_URL": f"{self.address('hn')}/api/v1/search_by_date",
            "JUPITER_PULSE_FEEDS": " ".join(f"{self.address('feeds')}/rss/{name}" for name in feeds),
            "JUPITER_LLM_PROVIDER": "compatible",
            "JUPITER_LLM_BASE_URL": f"{self.address('llm')}/v1",
            "JUPITER_LLM_MODEL": "grok-3-mini",
            "JUPITER_LLM_API_KEY": "test-key-that-opens-nothing",
        }

    def set(self, **faults: str) -> None:
        """Give upstreams a fault by name, or `ok`."""
        self._control({"faults": faults})

    def heal(self) -> None:
        """Make all of them well."""
        self.set(**dict.fromkeys(NAMES, "ok"))

    def pace(self, **seconds: float) -> None:
        """Set the time between two events of a stream."""
        self._control({"pace": seconds})

    def requests(self, name: str) -> int:
        """Return how many requests have reached one upstream."""
        return int(self._control({})[name]["requests"])

    def under_fault(self, name: str) -> list[tuple[float, str]]:
        """Return when, in seconds, and for which paths one upstream was asked since its fault was last set."""
        return [(at, path) for at, path in self._control({})[name]["under_fault"]]

    def fault(self, name: str) -> str:
        """Return the fault that one upstream has now."""
        return str(self._control({})[name]["fault"])

    def last(self, name: str) -> dict[str, Any]:
        """Return path, headers and body of the last request that reached one upstream."""
        return dict(self._control({})[name]["last"])

    def stop(self) -> None:
        """End the process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def _control(self, command: dict[str, Any]) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.ports["control"], timeout=10)
        try:
            connection.request("POST", "/", json.dumps(command))
            return dict(json.loads(connection.getresponse().read()))
        finally:
            connection.close()
