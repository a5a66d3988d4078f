"""GitHub's advisories: the reviewed ones, those that were changed last first, back to what is known already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import orjson

from backend.errors import DashboardError
from backend.sources.base import Fragment, ThreatBatch, Validators, still_at
from backend.sources.fetcher import Fetched, HttpFetcher
from backend.sources.ghsa_answers import GhsaPage, parse_page
from backend.sources.headers import next_page
from backend.sources.heavy import heavy
from backend.sources.http_errors import again_in
from backend.sources.request_rate import RequestRate

URL = "https://api.github.com/advisories"
REFRESH_SECONDS = 1800.0
PAGE = 100
FIRST_PAGES = 10
"""Pages of the first reading: the thousand that were changed last."""
PACE_SECONDS = 3600.0
WITH_KEY, WITHOUT_KEY = 5000, 60
"""Requests that are allowed within PACE_SECONDS, also those that are answered with "not modified"."""
AT_ONCE = 4
AGAIN_SECONDS = 2.0
MARGIN = 1.0


@dataclass(frozen=True)
class Mark:
    """How far the reading has come: all up to `known` is read; `newest` and `next` belong to a reading under way."""

    known: str = ""
    newest: str = ""
    next: str = ""
    left: int = FIRST_PAGES

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Return a mark from its text; that of a beginning where it is none."""
        try:
            return cls(**orjson.loads(text)) if text else cls()
        except (ValueError, TypeError):
            return cls()

    def written(self) -> str:
        """Return its text."""
        return orjson.dumps(self.__dict__).decode()


class Ghsa:
    """The global advisories of the REST interface.

    Args:
        fetcher: gets documents.
        key: a token.
        pace: the server's limit; None for a server of one's own.
        request_seconds: the fetcher's timeout for one request.
        offload: runs the reading in a native thread.
    """

    name = "ghsa"
    essential = True
    enriches = False
    setting = "JUPITER_SOURCE_GHSA_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        title: str = "GitHub advisories",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        key: str | None = None,
        pace: RequestRate | None = None,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds * AT_ONCE + MARGIN
        self._fetcher = fetcher
        self._url = url
        self._key = key
        self._pace = pace
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch the next pages; errors as in `ThreatSource.fetch`, and RateLimitedError where it is too soon."""
        previous = still_at(previous, self._url)
        mark = Mark.read(previous.mark if previous else None)
        first = f"{self._url}{'&' if '?' in self._url else '?'}per_page={PAGE}&sort=updated&direction=desc"
        etag = previous.etag if previous and not mark.next else None
        answer = self._get(mark.next or first, etag)
        if answer.not_modified:
            return ThreatBatch(not_modified=True, validators=previous)
        tag = answer.etag if not mark.next else (previous.etag if previous else None)
        return self._walk(mark, answer, tag)

    def _walk(self, mark: Mark, answer: Fetched, tag: str | None) -> ThreatBatch:
        """Read this page and those behind it, as far as one fetch goes."""
        fragments: dict[str, Fragment] = {}
        removed: dict[str, None] = {}
        skipped = 0
        failure: DashboardError | None = None
        for number in range(AT_ONCE):
            page: GhsaPage = self._offload(parse_page, answer.body)
            # an advisory that was changed during the reading comes first again: the first page to say it is right
            fragments = {**page.fragments, **fragments}
            removed.update(dict.fromkeys(page.removed))
            skipped += page.skipped
            mark = _after(mark, page, next_page(answer.headers.get("link"), answer.url))
            if not mark.next or number == AT_ONCE - 1:
                break
            try:
                answer = self._get(mark.next, None)
            except DashboardError as error:
                failure = error  # what came before it is kept; the next fetch meets it as its first
                break
        return ThreatBatch(
            fragments=fragments,
            skipped=skipped,
            validators=Validators(self._url, tag, mark=mark.written()),
            delta=True,
            removed=tuple(name for name in removed if name not in fragments),
            again_in=again_in(AGAIN_SECONDS, failure) if mark.next else None,
        )

    def _get(self, address: str, etag: str | None) -> Fetched:
        if self._pace is not None:
            self._pace.take()
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        return self._fetcher.get(address, headers=headers, etag=etag)


def _after(mark: Mark, page: GhsaPage, following: str | None) -> Mark:
    newest = mark.newest or page.newest
    left = mark.left - 1
    if following is None or left <= 0 or (mark.known and page.oldest <= mark.known):
        return Mark(known=max(newest, mark.known))
    return replace(mark, newest=newest, next=following, left=left)
