"""Public posts under some tags on one Mastodon server (https://docs.joinmastodon.org/methods/timelines/#tag)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from backend.sources.base import PulseBatch, PulseItem, Validators
from backend.sources.fetcher import HttpFetcher
from backend.sources.headers import next_page, requests_left
from backend.sources.heavy import heavy
from backend.sources.mastodon_posts import read_posts

PAGE = 40
MOST_PAGES = 2
"""Of a tag at each fetch: the newest posts are wanted, older ones are known from the fetch before."""
RESERVE = 20
"""Requests that are left to the others behind our address: from there on no further page is asked for."""
MARGIN = 1.0
MAX_BYTES = 5_000_000


class Mastodon:
    """The newest posts under some tags on one server.

    Either all tags are read or none: a part of them would be shown as if it were the whole.

    Args:
        fetcher: gets documents.
        server: its address, e.g. https://infosec.exchange.
        tags: without their #.
        key: an access token, for servers that show timelines to their members only.
        refresh_seconds: time between two fetches.
        request_seconds: the fetcher's timeout.
        offload: runs the reading in a native thread.
    """

    essential = True

    def __init__(
        self,
        fetcher: HttpFetcher,
        server: str,
        *,
        tags: Sequence[str],
        name: str,
        setting: str = "JUPITER_MASTODON_SERVERS",
        key: str | None = None,
        refresh_seconds: float = 300.0,
        request_seconds: float = 10.0,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.name = name
        self.title = f"Mastodon {urlsplit(server).hostname or server}"
        self.setting = setting
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = len(tags) * MOST_PAGES * request_seconds + MARGIN
        self._fetcher = fetcher
        self._server = server.rstrip("/")
        self._tags = tuple(tags)
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None) -> PulseBatch:
        """Fetch the posts; errors as in `PulseSource.fetch`. There are too many pages for a conditional request."""
        items: dict[str, PulseItem] = {}
        skipped = 0
        for tag in self._tags:
            for found, left_out in self._pages(tag):
                items |= {item.key: item for item in found if item.key not in items}
                skipped += left_out
        return PulseBatch(tuple(items.values()), skipped=skipped, validators=Validators(self._server))

    def _pages(self, tag: str) -> Iterable[tuple[tuple[PulseItem, ...], int]]:
        address: str | None = f"{self._server}/api/v1/timelines/tag/{quote(tag, safe='')}?limit={PAGE}"
        for _ in range(MOST_PAGES):
            if address is None:
                return
            answer = self._fetcher.get(address, headers=self._headers, max_bytes=MAX_BYTES)
            yield self._offload(read_posts, answer.body, self._server, self._tags)
            left = requests_left(answer.headers)
            spent = left is not None and left < RESERVE
            address = None if spent else next_page(answer.headers.get("link"), answer.url)


def server_names(servers: Iterable[str]) -> dict[str, str]:
    """Return a name for each server: its host, and its port where it has one."""
    return {server: f"mastodon:{urlsplit(server).netloc.lower()}" for server in dict.fromkeys(servers)}
