"""CISA's catalogue of known exploited vulnerabilities, with its mirror on GitHub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backend.errors import DashboardError, NetworkError
from backend.sources.base import ThreatBatch, Validators, still_at
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.kev_catalogue import Catalogue, parse_catalogue

URL = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
MIRROR_URL = "https://raw.githubusercontent.com/cisagov/kev-data/main/known_exploited_vulnerabilities.json"
REFRESH_SECONDS = 3600.0
MARGIN = 1.0


class CisaKev:
    """The catalogue, from its own address or, where that fails in any way, from the mirror if that is not behind.

    Args:
        fetcher: gets documents.
        mirror_url: None for none.
        request_seconds: the fetcher's timeout for one document; both addresses get it in full.
        offload: runs the reading in a native thread.
    """

    name = "cisa_kev"
    essential = True
    enriches = False
    setting = "JUPITER_SOURCE_CISA_KEV_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        mirror_url: str | None = MIRROR_URL,
        title: str = "CISA KEV",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds * (2 if mirror_url else 1) + MARGIN
        self._fetcher = fetcher
        self._url = url
        self._mirror_url = mirror_url
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch the catalogue; errors as in `ThreatSource.fetch`, those of the main address where both fail."""
        try:
            return self._from(self._url, previous)
        except DashboardError as error:
            if not self._mirror_url:
                raise
            try:
                return self._from(self._mirror_url, previous, via="its mirror")
            except DashboardError as mirror_error:
                raise error from mirror_error

    def _from(self, url: str, previous: Validators | None, via: str = "") -> ThreatBatch:
        known = still_at(previous, url)
        answer = self._fetcher.get(
            url,
            headers={"Accept": "application/json"},
            etag=known.etag if known else None,
            last_modified=known.last_modified if known else None,
        )
        if answer.not_modified:
            return ThreatBatch(not_modified=True, validators=known, via=via)
        catalogue: Catalogue = self._offload(parse_catalogue, answer.body)
        at_hand = previous.mark if previous is not None else None
        if via and catalogue.released and at_hand and catalogue.released < at_hand:
            # what has been added since would vanish and come again, as if it were new
            raise NetworkError(f"of {catalogue.released}", message="Its mirror is older than what is at hand.")
        return ThreatBatch(
            fragments=catalogue.fragments,
            skipped=catalogue.skipped,
            validators=Validators(url, answer.etag, answer.last_modified, catalogue.released),
            via=via,
        )
