"""Stories of Hacker News about security, through the search by Algolia (https://hn.algolia.com/api)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.errors import NetworkError
from backend.sources.base import PulseBatch, PulseItem, Validators
from backend.sources.dates import moment
from backend.sources.documents import expect_object, load_json
from backend.sources.feed_reader import AUTHOR_LIMIT, SUMMARY_LIMIT, TITLE_LIMIT
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.identifiers import ids_in
from backend.sources.links import link_key, text_key, web_link
from backend.sources.text import from_html

URL = "https://hn.algolia.com/api/v1/search_by_date?tags=story&query=security&hitsPerPage=100"
DISCUSSION = "https://news.ycombinator.com/item?id="
WHAT = "an answer of the Hacker News search"
MARGIN = 1.0
MAX_BYTES = 5_000_000


class HackerNews:
    """The newest stories that the search finds; the address may be any answer of that search.

    Args:
        fetcher: gets documents.
        refresh_seconds: time between two fetches.
        request_seconds: the fetcher's timeout.
        offload: runs the reading in a native thread.
    """

    name = "hacker_news"
    essential = True
    setting = "JUPITER_SOURCE_HACKER_NEWS_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        title: str = "Hacker News",
        refresh_seconds: float = 300.0,
        request_seconds: float = 10.0,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds + MARGIN
        self._fetcher = fetcher
        self._url = url
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None) -> PulseBatch:
        """Fetch the stories; errors as in `PulseSource.fetch`."""
        known = previous or Validators(self._url)
        answer = self._fetcher.get(
            self._url,
            headers={"Accept": "application/json"},
            etag=known.etag,
            last_modified=known.last_modified,
            max_bytes=MAX_BYTES,
        )
        if answer.not_modified:
            return PulseBatch(not_modified=True, validators=known)
        items, skipped = self._offload(read_stories, answer.body)
        return PulseBatch(
            items=items, skipped=skipped, validators=Validators(self._url, answer.etag, answer.last_modified)
        )


def read_stories(body: bytes) -> tuple[tuple[PulseItem, ...], int]:
    """Return the stories of an answer, and how many hits are none. Pure.

    Raises:
        NetworkError: it is something else, or has hits of which none can be used.
    """
    hits = expect_object(load_json(body), WHAT).get("hits")
    if not isinstance(hits, list):
        raise NetworkError("no hits list", message=f"The answer is JSON, but not {WHAT}.")
    read = [_story(hit) if isinstance(hit, dict) else None for hit in hits]
    items = tuple(item for item in read if item is not None)
    if hits and not items:
        raise NetworkError(f"none of {len(hits)} hits is a story", message="The answer has no story that can be used.")
    return items, len(hits) - len(items)


def _story(hit: dict[str, Any]) -> PulseItem | None:
    title = from_html(hit.get("title"), TITLE_LIMIT)
    number = str(hit.get("objectID") or "")
    if not title or not number.isdecimal():
        return None
    link = web_link(hit.get("url"))
    text = hit.get("story_text")
    text = text if isinstance(text, str) else ""
    return PulseItem(
        key=link_key(link) if link else text_key("hacker_news", number),
        title=title,
        url=link or DISCUSSION + number,
        author=from_html(hit.get("author"), AUTHOR_LIMIT) or None,
        published=moment(hit.get("created_at")),
        summary=from_html(text, SUMMARY_LIMIT),
        ids=ids_in(f"{title} {text}"),
    )
