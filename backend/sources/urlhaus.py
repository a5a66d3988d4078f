"""URLhaus of abuse.ch: addresses that served malware lately, by family. Needs a key (free, https://auth.abuse.ch)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backend.errors import NetworkError, NotConfiguredError
from backend.sources.base import Fragment, ThreatBatch, Validators, still_at
from backend.sources.documents import expect_object, load_json
from backend.sources.families import Sighting, records
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.indicators import indicator
from backend.sources.instants import instant
from backend.sources.links import web_link
from backend.sources.text import plain

URL = "https://urlhaus-api.abuse.ch/v1/urls/recent/limit/1000/"
REFRESH_SECONDS = 900.0
MARGIN = 1.0
WHAT = "an answer of URLhaus"
_FINE = frozenset(("ok", "no_results"))
# Tags that say what a file is or where it runs, not whose it is.
_NO_FAMILY = frozenset(
    ("32-bit", "64-bit", "arm", "elf", "exe", "mips", "dll", "js", "sh", "zip", "x86", "ascii", "powerpc", "sparc")
)


class Urlhaus:
    """The recent addresses of URLhaus.

    Args:
        fetcher: gets documents.
        key: the Auth-Key; without one nothing is asked.
        request_seconds: the fetcher's timeout.
        offload: runs the reading in a native thread.
    """

    name = "urlhaus"
    essential = False
    enriches = False
    setting = "JUPITER_SOURCE_URLHAUS_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        title: str = "URLhaus",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        key: str | None = None,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.needs = "" if key else "JUPITER_SOURCE_URLHAUS_KEY"
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds + MARGIN
        self._fetcher = fetcher
        self._url = url
        self._key = key
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch what is recent; errors as in `ThreatSource.fetch`."""
        if not self._key:
            raise NotConfiguredError(f"{self.needs} is not set")
        previous = still_at(previous, self._url)
        answer = self._fetcher.get(
            self._url,
            headers={"Accept": "application/json", "Auth-Key": self._key},
            etag=previous.etag if previous else None,
            last_modified=previous.last_modified if previous else None,
        )
        if answer.not_modified:
            return ThreatBatch(not_modified=True, validators=previous)
        fragments, skipped = self._offload(parse_recent, answer.body)
        known = Validators(self._url, answer.etag, answer.last_modified)
        return ThreatBatch(fragments=fragments, skipped=skipped, validators=known)


def parse_recent(body: bytes) -> tuple[dict[str, Fragment], int]:
    """Return records by id, and how many addresses could not be read. Pure.

    Raises:
        NetworkError: it is something else.
    """
    document = expect_object(load_json(body), WHAT)
    status, given = str(document.get("query_status")), document.get("urls", [])
    if status not in _FINE or not isinstance(given, list):
        raise NetworkError(f"query_status {status!r}", message=f"The answer is JSON, but not {WHAT}.")
    found = list(_sightings(given))
    if given and not found:
        raise NetworkError("no address can be used", message="The answer has no address that can be used.")
    return records("URLHAUS", "URLhaus", found), len(given) - len(found)


def _sightings(given: list[Any]) -> Iterator[Sighting]:
    for each in given:
        found = indicator("url", each.get("url")) if isinstance(each, dict) else None
        if found is None:
            continue
        given_tags = each.get("tags")
        tags = (
            tuple(plain(tag, 60) for tag in given_tags if isinstance(tag, str)) if isinstance(given_tags, list) else ()
        )
        kind = plain(each.get("threat"), 60).replace("_", " ")
        family = next((tag for tag in tags if tag.lower() not in _NO_FAMILY), kind or "unknown")
        yield Sighting(
            family, found, instant(each.get("date_added")), tags, web_link(each.get("urlhaus_reference")), kind
        )
