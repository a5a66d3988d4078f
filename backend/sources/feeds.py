"""News by RSS, Atom or JSON Feed: one source for each address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from backend.sources.base import PulseBatch, Validators
from backend.sources.feed_reader import read_feed
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.pace import Pace

ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
MARGIN = 1.0
MAX_BYTES = 5_000_000


class FeedSource:
    """One feed.

    Args:
        fetcher: gets documents.
        name: the guard's and ledger's, see `feed_names`.
        refresh_seconds: time between two fetches.
        request_seconds: the fetcher's timeout.
        pace: of its server, where that wants to be asked seldom.
        sharing: how many feeds share the pace.
        offload: runs the reading in a native thread.
    """

    essential = True
    setting = "JUPITER_PULSE_FEEDS"

    def __init__(
        self,
        fetcher: HttpFetcher,
        url: str,
        *,
        name: str,
        refresh_seconds: float = 300.0,
        request_seconds: float = 10.0,
        pace: Pace | None = None,
        sharing: int = 1,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        round_seconds = pace.seconds * sharing if pace else 0.0
        self.name = name
        self.title = name.removeprefix("feed:")
        self.refresh_seconds = max(refresh_seconds, round_seconds)
        self.timeout_seconds = round_seconds + request_seconds + MARGIN
        self._pace = pace
        self._fetcher = fetcher
        self._url = url
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None) -> PulseBatch:
        """Fetch the feed; errors as in `PulseSource.fetch`."""
        known = previous or Validators(self._url)
        if self._pace:
            self._pace.wait_turn()
        answer = self._fetcher.get(
            self._url,
            headers={"Accept": ACCEPT},
            etag=known.etag,
            last_modified=known.last_modified,
            max_bytes=MAX_BYTES,
        )
        if answer.not_modified:
            return PulseBatch(not_modified=True, validators=known)
        feed = self._offload(read_feed, answer.body, answer.url)
        return PulseBatch(
            items=feed.items,
            skipped=feed.skipped,
            validators=Validators(self._url, answer.etag, answer.last_modified),
            title=feed.title,
        )


def feed_names(urls: Iterable[str]) -> dict[str, str]:
    """Return a name for each address, no two the same: its host, and more of it only where that is not enough."""
    addresses = list(dict.fromkeys(urls))
    names: dict[str, str] = {}
    for form in (_host, _host_and_path, str):
        taken = [form(url) for url in addresses if url not in names]
        for url in [url for url in addresses if url not in names]:
            name = form(url)
            if taken.count(name) == 1 and name not in names.values():
                names[url] = name
    return {url: f"feed:{names[url]}" for url in addresses}


def _host(url: str) -> str:
    return (urlsplit(url).hostname or url).removeprefix("www.")


def _host_and_path(url: str) -> str:
    return _host(url) + urlsplit(url).path
