"""The National Vulnerability Database: what was changed since the last time, page by page and window by window.

First the records that are known to be exploited (they get their CVSS scores from here), then all that were changed
within the last days. One fetch makes few requests; where more is to come, the next one goes on from its mark.
API: https://nvd.nist.gov/developers/vulnerabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import orjson

from backend.errors import DashboardError, NetworkError, UpstreamRejectedError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.sources.base import Fragment, ThreatBatch, Validators, still_at
from backend.sources.fetcher import HttpFetcher
from backend.sources.heavy import heavy
from backend.sources.http_errors import again_in
from backend.sources.nvd_answers import NvdPage, parse_page
from backend.sources.request_rate import RequestRate

URL = "https://services.nvd.nist.gov/rest/json/cves/2.0"
REFRESH_SECONDS = 7200.0
PAGE = 500
"""Records in one request: the server gives 2,000 at most, which is 10 MB and takes it longer than our patience."""
FIRST_DAYS = 7
OVERLAP = timedelta(hours=1)
"""By which a window begins before the end of the one before: our clock may be ahead of the server's, and a change is
dated before it can be had."""
WIDEST_WINDOW = timedelta(days=120) - OVERLAP
PACE_SECONDS = 30.0
WITH_KEY, WITHOUT_KEY = 50, 5
AT_ONCE_WITH_KEY, AT_ONCE = 10, 4
"""Requests of one fetch: one less than is allowed, for the one that is asked for by hand."""
MARGIN = 1.0


@dataclass(frozen=True)
class Mark:
    """How far the reading has come: times in ISO 8601; `index` counts records of what is being read, of `total`."""

    since: str
    until: str
    exploited: bool = True
    index: int = 0
    total: int = 0

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """Return a mark from its text, None where it is none."""
        try:
            return cls(**orjson.loads(text)) if text else None
        except (ValueError, TypeError):
            return None

    def written(self) -> str:
        """Return its text."""
        return orjson.dumps(self.__dict__).decode()


class Nvd:
    """The CVE API 2.0.

    Args:
        fetcher: gets documents.
        key: of the API; ten times as many requests are allowed with one.
        pace: the server's limit; None for a server of one's own.
        request_seconds: the fetcher's timeout for one request.
        page: records in one request.
        offload: runs the reading in a native thread.
    """

    name = "nvd"
    essential = True
    enriches = False
    setting = "JUPITER_SOURCE_NVD_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        title: str = "NVD",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        key: str | None = None,
        pace: RequestRate | None = None,
        page: int = PAGE,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.refresh_seconds = refresh_seconds
        self._requests = AT_ONCE_WITH_KEY if key else AT_ONCE
        self.timeout_seconds = request_seconds * self._requests + MARGIN
        self._fetcher = fetcher
        self._url = url
        self._key = key
        self._pace = pace
        self._page = page
        self._clock = clock
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch the next pages; errors as in `ThreatSource.fetch`, and RateLimitedError where it is too soon."""
        known = still_at(previous, self._url)
        mark = self._begun(Mark.read(known.mark if known else None))
        fragments: dict[str, Fragment] = {}
        removed: dict[str, None] = {}
        skipped, more = 0, True
        failure: DashboardError | None = None
        for number in range(self._requests):
            try:
                page = self._read(mark)
            except DashboardError as error:
                if number == 0:
                    raise
                failure = error  # what came before it is kept; the next fetch meets it as its first
                break
            for name in page.removed:  # rejected since an earlier page had it: the last word holds
                fragments.pop(name, None)
            fragments.update(page.fragments)
            removed.update(dict.fromkeys(page.removed))
            skipped += page.skipped
            mark, more = self._after(mark, page)
            if not more:
                break
        return ThreatBatch(
            fragments=fragments,
            skipped=skipped,
            validators=Validators(self._url, mark=mark.written()),
            delta=True,
            removed=tuple(name for name in removed if name not in fragments),
            again_in=again_in(self._pace.wait() or 1.0 if self._pace else 0.1, failure) if more else None,
        )

    def _begun(self, mark: Mark | None) -> Mark:
        """Return where to go on; a mark that had read its window begins the next one."""
        now = self._clock.now()
        if mark is None:
            return Mark(since=_text(now - timedelta(days=FIRST_DAYS)), until=_text(now))
        return replace(mark, until=_window_end(mark.since, now)) if mark.since == mark.until else mark

    def _after(self, mark: Mark, page: NvdPage) -> tuple[Mark, bool]:
        """Return the mark after a page, and whether there is more to read now.

        A record that is changed while a window is read leaves it, and all behind it move up: that many are read again.
        """
        gone = mark.total - page.total
        if mark.index and gone > 0:
            return replace(mark, index=max(0, mark.index - gone), total=page.total), True
        index = mark.index + page.rows
        if page.rows and index < page.total:
            return replace(mark, index=index, total=page.total), True
        if mark.exploited:
            return replace(mark, exploited=False, index=0, total=0), True
        now = self._clock.now()
        if now - datetime.fromisoformat(mark.until) > timedelta(seconds=self.refresh_seconds):
            return Mark(mark.until, _window_end(mark.until, now), exploited=False), True
        return Mark(mark.until, mark.until, exploited=False), False

    def _read(self, mark: Mark) -> NvdPage:
        if self._pace is not None:
            self._pace.take()
        headers = {"Accept": "application/json", **({"apiKey": self._key} if self._key else {})}
        try:
            answer = self._fetcher.get(self._address(mark), headers=headers)
        except UpstreamRejectedError as error:
            raise _meant(error, bool(self._key)) from error
        page: NvdPage = self._offload(parse_page, answer.body)
        return page

    def _address(self, mark: Mark) -> str:
        # written by hand: hasKev takes no value, and a plus sign in a date must not become a blank
        since = _text(datetime.fromisoformat(mark.since) - OVERLAP)
        asked = "hasKev" if mark.exploited else f"lastModStartDate={_sent(since)}&lastModEndDate={_sent(mark.until)}"
        return f"{self._url}?{asked}&resultsPerPage={self._page}&startIndex={mark.index}"


def _meant(error: UpstreamRejectedError, with_key: bool) -> NetworkError:
    """Return what this server means by a status: 403 is throttling, 404 without a body a key that it does not know."""
    if error.upstream_status == 403:
        text = "The server asks us to slow down (403)."
        return NetworkError(str(error), upstream_status=403, retry_after=PACE_SECONDS, message=text)
    if error.upstream_status == 404 and with_key:
        text = "The server does not accept the key (404)."
        return UpstreamRejectedError(str(error), upstream_status=404, message=text)
    return error


def _window_end(since: str, now: datetime) -> str:
    return _text(min(now, datetime.fromisoformat(since) + WIDEST_WINDOW))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _sent(text: str) -> str:
    return text.replace("+", "%2B")
