"""EPSS: how likely each vulnerability is to be exploited within 30 days, from FIRST's API or its daily file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backend.errors import NetworkError
from backend.sources.base import Fragment, ThreatBatch, Validators
from backend.sources.epss_answers import Scores, parse_scores
from backend.sources.fetcher import MAX_BYTES, HttpFetcher
from backend.sources.heavy import heavy

URL = "https://api.first.org/data/v1/epss"
REFRESH_SECONDS = 21_600.0
BATCH = 100
"""Ids in one request: the API takes 2,000 characters of them and gives 100 rows a page by default."""
MOST_PAGES = 400
MOST_UNSCORED = 1000
"""Ids without one score that are believed: new CVEs have none for a day or two."""
TOTAL_FACTOR = 6
AT_ONCE = 20 * BATCH
"""Ids that one fetch is asked about: 20 requests of the API within TOTAL_FACTOR times the patience for one."""
_FILES = (".csv", ".csv.gz")


class Epss:
    """Scores for the ids that others name.

    Whoever asks asks about no more than `at_once` ids.

    Args:
        fetcher: gets documents.
        url: the API, or a file in the daily CSV's shape.
        request_seconds: the fetcher's timeout for one request; a whole fetch is given TOTAL_FACTOR times that.
        max_bytes: largest size of a compressed file once it is decompressed.
        offload: runs the reading in a native thread.
    """

    name = "epss"
    essential = False
    enriches = True
    setting = "JUPITER_SOURCE_EPSS_URL"

    def __init__(
        self,
        fetcher: HttpFetcher,
        *,
        url: str = URL,
        title: str = "FIRST EPSS",
        refresh_seconds: float = REFRESH_SECONDS,
        request_seconds: float = 10.0,
        max_bytes: int = MAX_BYTES,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self.title = title
        self.refresh_seconds = refresh_seconds
        self.timeout_seconds = request_seconds * TOTAL_FACTOR
        self._fetcher = fetcher
        self._url = url
        self.at_once = None if url.endswith(_FILES) else AT_ONCE  # a file has all anyway
        self._max_bytes = max_bytes
        self._offload = offload

    def fetch(self, *, previous: Validators | None = None, wanted: Sequence[str] = ()) -> ThreatBatch:
        """Fetch the scores of `wanted`; ids without a score are left out. Errors as in `ThreatSource.fetch`."""
        scores: dict[str, Fragment] = {}
        skipped = 0
        for start in range(0, len(wanted), BATCH):
            asked = [name for name in wanted[start : start + BATCH] if name not in scores]
            if not asked:
                continue
            everything, bad = self._batch(asked, wanted, scores)
            skipped += bad
            if everything:
                break
        if len(wanted) >= MOST_UNSCORED and not scores:
            raise NetworkError("no score for any id", message="The answer has no score for any of our records.")
        return ThreatBatch(fragments=scores, skipped=skipped)

    def _batch(self, asked: list[str], wanted: Sequence[str], scores: dict[str, Fragment]) -> tuple[bool, int]:
        """Fetch all pages of one request into `scores`.

        Returns:
            Whether the server ignores what is asked for, so that all it has was seen; rows that could not be read.
        """
        offset = skipped = 0
        foreign = False
        last_first: str | None = None
        for _ in range(MOST_PAGES):
            page = self._page(asked, offset, wanted)
            if page.first is not None and page.first == last_first:
                break  # it ignores the offset too and would give this page for ever
            scores.update(page.fragments)
            skipped += page.skipped
            foreign = foreign or page.foreign
            if page.whole or not page.more or len(scores) >= len(wanted):
                break
            last_first = page.first
            offset += page.rows
        return foreign or len(scores) >= len(wanted), skipped

    def _page(self, asked: list[str], offset: int, wanted: Sequence[str]) -> Scores:
        # written by hand: a client would write %2C for each comma, and the API counts characters
        mark = "&" if "?" in self._url else "?"
        address = f"{self._url}{mark}cve={','.join(asked)}&limit={BATCH}" + (f"&offset={offset}" if offset else "")
        answer = self._fetcher.get(address, headers={"Accept": "application/json, text/csv"})
        scores: Scores = self._offload(parse_scores, answer.body, wanted, asked, self._max_bytes)
        return scores
