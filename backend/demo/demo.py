"""The demo: six upstreams on loopback, and the settings that point a server at them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from backend.demo import advisories, feeds, model, scans, threats
from backend.demo.experiments import EXPERIMENTS
from backend.demo.replies import Reply, Request, json_reply, tagged
from backend.demo.simulator import Simulator

NOT_HERE = {"error": "this simulator has nothing under that path"}


def _now() -> datetime:
    return datetime.now(UTC)


class Demo:
    """Simulated upstreams that run inside this process until `stop`."""

    def __init__(self, host: str = "127.0.0.1", *, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._started = now()
        kinds = (
            ("threats", "Threat catalogue (simulated KEV)", self._catalogue),
            ("nvd", "CVE database (simulated NVD)", self._cves),
            ("ghsa", "Advisories (simulated GitHub)", self._advisories),
            ("epss", "Exploit scores (simulated EPSS)", self._scores),
            ("feeds", "Security news (simulated feeds)", self._news),
            ("llm", "Language model (simulated)", self._model),
        )
        self._simulators = {name: Simulator(name, title, answer, host=host) for name, title, answer in kinds}

    def environ(self) -> dict[str, str]:
        """Return the settings that point a server here, quick enough to watch a failure and its recovery."""
        threats_at, nvd_at, ghsa_at, epss_at, feeds_at, llm_at = (made.address for made in self._simulators.values())
        return {
            "JUPITER_SOURCES": "cisa_kev ghsa nvd epss hacker_news",
            "JUPITER_SOURCE_CISA_KEV_URL": f"{threats_at}/known_exploited_vulnerabilities.json",
            "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "3",
            "JUPITER_SOURCE_NVD_URL": f"{nvd_at}/rest/json/cves/2.0",
            "JUPITER_SOURCE_NVD_REFRESH_SECONDS": "3",
            "JUPITER_SOURCE_GHSA_URL": f"{ghsa_at}/advisories",
            "JUPITER_SOURCE_GHSA_REFRESH_SECONDS": "3",
            "JUPITER_SOURCE_EPSS_URL": f"{epss_at}/data/v1/epss",
            "JUPITER_SOURCE_EPSS_REFRESH_SECONDS": "3",
            "JUPITER_SOURCE_HACKER_NEWS_URL": f"{feeds_at}/api/v1/search_by_date",
            "JUPITER_SOURCE_HACKER_NEWS_REFRESH_SECONDS": "3",
            "JUPITER_PULSE_FEEDS": " ".join(f"{feeds_at}/feeds/{feed.slug}.xml" for feed in feeds.FEEDS),
            "JUPITER_PULSE_REFRESH_SECONDS": "3",
            "JUPITER_LLM_PROVIDER": "compatible",
            "JUPITER_LLM_BASE_URL": f"{llm_at}/v1",
            "JUPITER_LLM_MODEL": model.MODEL,
            "JUPITER_LLM_API_KEY": "demo",
            "JUPITER_BREAKER_OPEN_SECONDS": "15",
            "JUPITER_CALL_TIMEOUT_SECONDS": "2",
            "JUPITER_RETRY_DELAY_SECONDS": "0.2",
        }

    def experiments(self) -> list[dict[str, Any]]:
        """Return invented experiments to begin with, as a client would send them."""
        return [dict(experiment) for experiment in EXPERIMENTS]

    def scans(self) -> list[tuple[str, bytes]]:
        """Return invented scan reports to begin with: file name and content."""
        return [(scans.FILENAME, scans.report(self._started))]

    def upstreams(self) -> list[dict[str, Any]]:
        """Return name, title, mode, modes, requests and address of each upstream."""
        return [simulator.describe() for simulator in self._simulators.values()]

    def set_mode(self, name: str, mode: str) -> None:
        """Move an upstream's switch.

        Raises:
            ValueError: there is no such upstream or mode.
        """
        if name not in self._simulators:
            raise ValueError(f"upstream must be one of {', '.join(self._simulators)}, not {name!r}")
        self._simulators[name].set_mode(mode)

    def stop(self) -> None:
        """Close all listeners and drop what is under way."""
        for simulator in self._simulators.values():
            simulator.stop()

    def _catalogue(self, request: Request) -> Reply:
        if not request.path.endswith(".json"):
            return json_reply(NOT_HERE, status=404)
        return json_reply(threats.catalogue(self._now(), self._started))

    def _cves(self, request: Request) -> Reply:
        return json_reply(advisories.nvd_page(request.query, self._now(), self._started))

    def _advisories(self, request: Request) -> Reply:
        return json_reply(advisories.advisories(request.query, self._now(), self._started))

    def _scores(self, request: Request) -> Reply:
        asked = request.query
        ids = [name for name in asked.get("cve", "").split(",") if name]
        limit, offset = _number(asked.get("limit"), 100, 10_000), _number(asked.get("offset"), 0, 10**9)
        return json_reply(threats.scores(self._now(), self._started, ids=ids, limit=limit, offset=offset))

    def _news(self, request: Request) -> Reply:
        if request.path.startswith("/api/v1/"):
            return json_reply(feeds.search(self._now(), self._started))
        feed = next((feed for feed in feeds.FEEDS if request.path == f"/feeds/{feed.slug}.xml"), None)
        if feed is None:
            return json_reply(NOT_HERE, status=404)
        return tagged(*feeds.feed_document(feed, self._now(), self._started))

    def _model(self, request: Request) -> Reply:
        if request.path == "/v1/models":
            return model.models()
        if request.path == "/v1/chat/completions" and request.method == "POST":
            return model.complete(request, self._now())
        return json_reply(NOT_HERE, status=404)


def _number(text: str | None, default: int, largest: int) -> int:
    return min(int(text), largest) if text and text.isdecimal() else default


def start_demo(host: str = "127.0.0.1") -> Demo:
    """Start the simulated upstreams on free ports of `host`."""
    return Demo(host)
