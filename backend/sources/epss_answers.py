"""Reading EPSS scores: pages of FIRST's API and the daily CSV file. Pure: runs in a native thread.

API: https://api.first.org/epss (numbers are strings). File: a line that begins with # (model and date), then the
header cve,epss,percentile; often compressed.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from backend.errors import NetworkError
from backend.sources.base import Fragment
from backend.sources.body import gunzip
from backend.sources.dates import day
from backend.sources.documents import expect_object, load_json, looks_like_web_page
from backend.sources.identifiers import record_id

WHAT = "an answer of the EPSS API"
_GZIP = b"\x1f\x8b"
_COLUMNS = ["cve", "epss", "percentile"]


@dataclass(frozen=True, slots=True)
class Scores:
    """One answer.

    `fragments` holds scores of wanted ids only; `rows` is how many rows the answer had and `first` the id of the
    first, `foreign` whether it had rows that were not asked for, `more` whether rows are left for another page;
    `whole` marks a file, which has all.
    """

    fragments: dict[str, Fragment]
    rows: int = 0
    first: str | None = None
    foreign: bool = False
    more: bool = False
    whole: bool = False
    skipped: int = 0


def parse_scores(body: bytes, wanted: Collection[str], asked: Collection[str], max_bytes: int) -> Scores:
    """Read an answer of either kind.

    Args:
        wanted: ids whose scores are kept.
        asked: ids that this request named.
        max_bytes: largest size of a file once decompressed.

    Raises:
        NetworkError: it is something else.
    """
    content = gunzip(body, max_bytes=max_bytes) if body.startswith(_GZIP) else body
    head = content[:200].lstrip(b"\xef\xbb\xbf \r\n").lower()
    if head.startswith((b"#", b"cve,")):
        try:
            return _read_file(content, frozenset(wanted))
        except csv.Error as error:
            raise NetworkError(str(error), message="The file is not one of EPSS scores: it is damaged.") from None
    return _read_page(content, frozenset(wanted), frozenset(asked))


def _read_page(content: bytes, wanted: frozenset[str], asked: frozenset[str]) -> Scores:
    page = expect_object(load_json(content), WHAT)
    rows = page.get("data")
    status = page.get("status-code", 200)
    if not isinstance(rows, list) or (isinstance(status, int) and status >= 400):
        raise NetworkError(f"no data list, status-code {status}", message=f"The answer is JSON, but not {WHAT}.")
    fragments: dict[str, Fragment] = {}
    skipped, foreign = 0, False
    first: str | None = None
    for row in rows:
        name = record_id(row.get("cve")) if isinstance(row, dict) else None
        score = _score(row.get("epss"), row.get("percentile"), day(row.get("date"))) if name else None
        if name is None or score is None:
            skipped += 1
            continue
        first = first or name
        foreign = foreign or name not in asked
        if name in wanted:
            fragments[name] = score
    if rows and skipped == len(rows):
        raise NetworkError("no row can be used", message=f"The answer is JSON, but not {WHAT}.")
    total, offset = page.get("total"), page.get("offset")
    reached = (offset if isinstance(offset, int) else 0) + len(rows)
    more = isinstance(total, int) and bool(rows) and reached < total
    return Scores(fragments, len(rows), first, foreign, more, skipped=skipped)


def _read_file(content: bytes, wanted: frozenset[str]) -> Scores:
    if looks_like_web_page(content):
        raise NetworkError("HTML", message="The server answered with a web page, not EPSS scores.")
    lines = content.decode("utf-8-sig", "replace").splitlines()
    comments = [line for line in lines[:5] if line.startswith("#")]
    reader = csv.reader(line for line in lines if line and not line.startswith("#"))
    header = [name.strip().lower() for name in next(reader, [])]
    if header[:3] != _COLUMNS:
        raise NetworkError(f"header {header[:5]}", message="The file is not one of EPSS scores: its header is wrong.")
    scored = _date_of(comments)
    fragments: dict[str, Fragment] = {}
    rows = skipped = 0
    for row in reader:
        rows += 1
        if row[0] not in wanted:
            continue
        score = _score(row[1], row[2], scored) if len(row) >= 3 else None
        if score is None:
            skipped += 1
        else:
            fragments[row[0]] = score
    return Scores(fragments, rows, foreign=True, whole=True, skipped=skipped)


def _date_of(comments: list[str]) -> str | None:
    """Return the date of `#model_version:…,score_date:2026-08-08T…`."""
    for part in ",".join(comments).lstrip("#").split(","):
        name, _, value = part.partition(":")
        if name.strip().lower() == "score_date":
            return day(value)
    return None


def _score(epss: Any, percentile: Any, date: str | None) -> Fragment | None:
    probability = _share(epss)
    if probability is None:
        return None
    return {"epss": probability, "percentile": _share(percentile), "epss_date": date}


def _share(value: Any) -> float | None:
    """Return a number from 0 to 1; anything else, not-a-number too, is None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0.0 <= number <= 1.0 else None
