"""ThreatFox of abuse.ch: indicators of the last day, by malware family. Needs a key (free, https://auth.abuse.ch)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from backend.errors import NetworkError, NotConfiguredError, UpstreamRejectedError
from backend.sources.base import Fragment, ThreatBatch, Validators
from backend.sources.documents import expect_object, load_json
from backend.sources.families import Sighting, records
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.indicators import indicator
from backend.sources.instants import instant
from backend.sources.links import web_link
from backend.sources.text import plain

URL = "https://threatfox-api.abuse.ch/api/v1/"
REFRESH_SECONDS = 900.0
QUESTION = b'{"query": "get_iocs", "days": 1}'
MARGIN = 1.0
WHAT = "an answer of ThreatFox"
_FINE = frozenset(("ok", "no_result"))
_REFUSED = frozenset(("unknown_auth_key", "no_auth_key", "illegal_auth_key"))
_KINDS = {"ip:port": "ip:port", "domain": "domain", "url": "url", "envelope_from": "email", "body_from": "email"}
_HASHES = {"md5_hash": "md5", "sha1_hash": "sha1", "sha256_hash": "sha256", "sha3_384_hash": "sha3-384"}


class Threatfox:
    """The indicators of ThreatFox; arguments as for `Urlhaus`."""

    name = "threatfox"
    essential = False
    enriches = False
    setting = "JUPITER_SOURCE_THREATFOX_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        title: str = "ThreatFox",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        key: str | None = None,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.needs = "" if key else "JUPITER_SOURCE_THREATFOX_KEY"
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds + MARGIN
        self._fetcher = fetcher
        self._url = url
        self._key = key
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch the last day; errors as in `ThreatSource.fetch`. A POST has no conditional form."""
        if not self._key:
            raise NotConfiguredError(f"{self.needs} is not set")
        headers = {"Accept": "application/json", "Content-Type": "application/json", "Auth-Key": self._key}
        answer = self._fetcher.get(self._url, headers=headers, body=QUESTION)
        fragments, skipped = self._offload(parse_indicators, answer.body)
        return ThreatBatch(fragments=fragments, skipped=skipped, validators=Validators(self._url))


def parse_indicators(body: bytes) -> tuple[dict[str, Fragment], int]:
    """Return records by id, and how many indicators could not be read. Pure.

    Raises:
        NetworkError: it is something else.
        UpstreamRejectedError: it says that the key is wrong.
    """
    document = expect_object(load_json(body), WHAT)
    status, given = str(document.get("query_status")), document.get("data")
    if status in _REFUSED:
        raise UpstreamRejectedError(status, message="The server does not accept the key.")
    if status == "no_result":
        given = []
    if status not in _FINE or not isinstance(given, list):
        raise NetworkError(f"query_status {status!r}", message=f"The answer is JSON, but not {WHAT}.")
    found = list(_sightings(given))
    if given and not found:
        raise NetworkError("no indicator can be used", message="The answer has no indicator that can be used.")
    return records("THREATFOX", "ThreatFox", found), len(given) - len(found)


def _sightings(given: list[Any]) -> Iterator[Sighting]:
    for each in given:
        kind = str(each.get("ioc_type", "")) if isinstance(each, dict) else ""
        found = indicator(_KINDS.get(kind) or _HASHES.get(kind, kind), each.get("ioc")) if kind else None
        if found is None:
            continue
        named = each.get("tags")
        tags = tuple(plain(tag, 60) for tag in named if isinstance(tag, str)) if isinstance(named, list) else ()
        family = plain(each.get("malware_printable"), 80) or plain(each.get("malware"), 80) or "unknown"
        what = plain(each.get("threat_type"), 60).replace("_", " ")
        link = web_link(each.get("reference")) or web_link(each.get("malware_malpedia"))
        yield Sighting(family, found, instant(each.get("first_seen")), tags, link, what)
