"""LevelBlue OTX: the pulses that one's account is subscribed to, those changed since the last time. Needs a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from backend.errors import DashboardError, NetworkError, NotConfiguredError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.sources.base import Fragment, ThreatBatch, Validators, still_at
from backend.sources.documents import expect_object, load_json
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.http_errors import again_in
from backend.sources.identifiers import record_id
from backend.sources.indicators import MOST, distinct, indicator
from backend.sources.instants import instant, iso
from backend.sources.links import web_link
from backend.sources.text import plain

URL = "https://otx.alienvault.com/api/v1/pulses/subscribed"
REFRESH_SECONDS = 1800.0
PAGE, AT_ONCE, MOST_PAGES = 50, 4, 100
FIRST_DAYS = 30
MARGIN = 1.0
WHAT = "an answer of OTX"
_KINDS = {
    "IPv4": "ip",
    "IPv6": "ip",
    "domain": "domain",
    "hostname": "hostname",
    "URL": "url",
    "URI": "url",
    "email": "email",
    "FileHash-MD5": "md5",
    "FileHash-SHA1": "sha1",
    "FileHash-SHA256": "sha256",
    "FilePath": "filename",
    "Mutex": "mutex",
    "YARA": "yara",
    "CIDR": "ip",
    "FileHash-IMPHASH": "imphash",
}
_MOST_LINKS, _MOST_TAGS = 20, 20


class Otx:
    """The subscribed pulses; arguments as for `Urlhaus`."""

    name = "otx"
    essential = False
    enriches = False
    setting = "JUPITER_SOURCE_OTX_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        title: str = "OTX",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        key: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.needs = "" if key else "JUPITER_SOURCE_OTX_KEY"
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds * AT_ONCE + MARGIN
        self._fetcher = fetcher
        self._url = url
        self._key = key
        self._clock = clock
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch what was changed; errors as in `ThreatSource.fetch`."""
        if not self._key:
            raise NotConfiguredError(f"{self.needs} is not set")
        since, number = _mark(still_at(previous, self._url)) or (
            (self._clock.now() - timedelta(days=FIRST_DAYS)).isoformat(),
            1,
        )
        newest, skipped, more = since, 0, True
        failure: DashboardError | None = None
        fragments: dict[str, Fragment] = {}
        for made in range(AT_ONCE):
            try:
                found, bad, latest, more = self._page(since, number)
            except DashboardError as error:
                if made == 0:
                    raise
                failure = error  # what came before it is kept; the next fetch meets it as its first
                break
            fragments.update(found)
            skipped += bad
            newest = max(newest, latest)
            number += 1
            more = more and number <= MOST_PAGES
            if not more:
                break
        mark = f"{since}|{number}" if more else f"{newest}|1"
        return ThreatBatch(
            fragments=fragments,
            skipped=skipped,
            validators=Validators(self._url, mark=mark),
            delta=True,
            again_in=again_in(1.0, failure) if more else None,
        )

    def _page(self, since: str, number: int) -> tuple[dict[str, Fragment], int, str, bool]:
        answer = self._fetcher.get(
            self._url,
            params={"limit": str(PAGE), "page": str(number), "modified_since": since},
            headers={"Accept": "application/json", "X-OTX-API-KEY": self._key or ""},
        )
        page: tuple[dict[str, Fragment], int, str, bool] = self._offload(parse_pulses, answer.body)
        return page


def parse_pulses(body: bytes) -> tuple[dict[str, Fragment], int, str, bool]:
    """Return records by id, pulses that could not be read, the latest change, and whether there is a further page.

    Raises:
        NetworkError: it is something else.
    """
    document = expect_object(load_json(body), WHAT)
    pulses = document.get("results")
    if not isinstance(pulses, list):
        raise NetworkError("no results", message=f"The answer is JSON, but not {WHAT}.")
    fragments: dict[str, Fragment] = {}
    for pulse in pulses:
        name = plain(pulse.get("id"), 40) if isinstance(pulse, dict) else ""
        if name.isalnum() and plain(pulse.get("name"), 300):
            fragments[f"OTX-{name.upper()}"] = _fragment(name, pulse)
    if pulses and not fragments:
        raise NetworkError("no pulse can be used", message="The answer has no pulse that can be used.")
    latest = max((each["updated"] or "" for each in fragments.values()), default="")
    return fragments, len(pulses) - len(fragments), latest, bool(document.get("next")) and bool(pulses)


def _fragment(name: str, pulse: dict[str, Any]) -> dict[str, Any]:
    given = [each for each in _list(pulse.get("indicators")) if isinstance(each, dict)]
    kinds = ((_KINDS.get(str(each.get("type"))), each.get("indicator")) for each in given)
    found = distinct(indicator(kind, value) for kind, value in kinds if kind)
    related = (record_id(each.get("indicator")) for each in given if each.get("type") == "CVE")
    created = instant(pulse.get("created"))
    names = [plain(pulse.get("adversary"), 60), *_texts(pulse.get("malware_families")), *_texts(pulse.get("tags"))]
    return {
        "title": plain(pulse.get("name"), 300),
        "summary": plain(pulse.get("description"), 4000) or None,
        "published": created.date().isoformat() if created else None,
        "updated": iso(pulse.get("modified")),
        "related": list(dict.fromkeys(cve for cve in related if cve)),
        "references": [f"https://otx.alienvault.com/pulse/{name}", *_links(pulse.get("references"))][:_MOST_LINKS],
        "tags": list(dict.fromkeys(text for text in names if text))[:_MOST_TAGS],
        "indicators": found[:MOST],
        "indicator_count": len(found),
    }


def _texts(value: Any) -> list[str]:
    named = (each.get("display_name") if isinstance(each, dict) else each for each in _list(value))
    return [plain(each, 60) for each in named if isinstance(each, str)]


def _links(value: Any) -> list[str]:
    return [link for link in (web_link(each) for each in _list(value)) if link]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mark(previous: Validators | None) -> tuple[str, int] | None:
    since, _, page = (previous.mark or "").partition("|") if previous else ("", "", "")
    return (since, int(page)) if instant(since) and page.isdecimal() else None
