"""Recorded upstream answers, in the shapes that the real interfaces give. Standard library only: see upstream_process.

Dates of news are moved so that the newest item of each file is of this minute: pulse looks at the last hours, and the
files are from 2025.
"""

import json
import re
import time
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

TYPES = {".xml": "application/rss+xml", ".rss": "application/rss+xml", ".atom": "application/atom+xml"}
_DATE = re.compile(rb"<(pubDate|updated|published|dc:date|lastBuildDate)>([^<]+)</\1>")


def kev(data: Path) -> bytes:
    """The catalogue of 2026-07-15, byte by byte."""
    return (data / "kev" / "kev-2026-07-15.json").read_bytes()


def nvd(data: Path) -> bytes:
    """A page of the CVE API, whole: 38 records."""
    return (data / "nvd" / "vunnel-full-page.json").read_bytes()


def ghsa(data: Path) -> bytes:
    """A page of advisories."""
    return (data / "ghsa" / "rest-advisories-2026-02.json").read_bytes()


class Epss:
    """Scores of 2026-08-08 in the shape of FIRST's API: strings, `cve=` filter, paging by limit and offset."""

    def __init__(self, data: Path) -> None:
        recorded = json.loads((data / "epss" / "kev-epss-2026-08-08.json").read_text())["vulnerabilities"]
        self._rows = [
            {"cve": r["id"], "epss": f"{r['epss']:.9f}", "percentile": f"{r['percentile']:.9f}", "date": "2026-08-08"}
            for r in recorded
        ]
        self._by_id = {row["cve"]: row for row in self._rows}

    def answer(self, query: dict[str, str]) -> bytes:
        """Return one page."""
        asked = [name for name in query.get("cve", "").split(",") if name]
        rows = [self._by_id[name] for name in asked if name in self._by_id] if asked else self._rows
        limit, offset = int(query.get("limit", "100")), int(query.get("offset", "0"))
        head = {"status": "OK", "status-code": 200, "version": "1.0", "access": "public"}
        page = {"total": len(rows), "offset": offset, "limit": limit, "data": rows[offset : offset + limit]}
        return json.dumps({**head, **page}).encode()


def feed(data: Path, name: str, now: datetime) -> bytes:
    """Return one file of the rss folder with its dates moved up to `now`."""
    raw = (data / "rss" / Path(name).name).read_bytes()
    dates = [moment for match in _DATE.finditer(raw) if (moment := _moment(match[2].decode("latin-1"))) is not None]
    if not dates:
        return raw
    shift = now - max(dates)

    def moved(match: re.Match[bytes]) -> bytes:
        moment = _moment(match[2].decode("latin-1"))
        if moment is None:
            return match[0]
        form = format_datetime(moment + shift) if match[1] in (b"pubDate", b"lastBuildDate") else None
        text = form or (moment + shift).astimezone(UTC).isoformat()
        return b"<" + match[1] + b">" + text.encode() + b"</" + match[1] + b">"

    return _DATE.sub(moved, raw)


def _moment(text: str) -> datetime | None:
    text = text.strip()
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = parse(text)
        except (ValueError, TypeError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def stories(data: Path, now: datetime) -> bytes:
    """All recorded Hacker News stories as one search answer, the newest of them of this minute."""
    recorded = json.loads((data / "hn" / "hn-algolia-fixtures-2019.json").read_text())
    hits: dict[str, dict[str, Any]] = {}
    for exchange in recorded:
        reply = exchange["reply"]
        for hit in reply.get("hits", []) if isinstance(reply, dict) else []:
            if hit.get("title") and "story" in hit.get("_tags", []):
                hits[hit["objectID"]] = hit
    newest = max(hit["created_at_i"] for hit in hits.values())
    for hit in hits.values():
        moved = int(now.timestamp()) - (newest - hit["created_at_i"]) // 20_000
        hit["created_at_i"] = moved
        hit["created_at"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moved))
    found = list(hits.values())
    return json.dumps({"hits": found, "nbHits": len(found), "page": 0, "nbPages": 1, "hitsPerPage": 1000}).encode()


def stream(data: Path, name: str = "xai-short.sse") -> list[bytes]:
    """The events of a recorded model answer, each with the blank line that ends it."""
    raw = (data / "llm" / name).read_bytes()
    return [event.strip() + b"\n\n" for event in raw.split(b"\n\n") if event.strip()]


def models() -> bytes:
    """A list of models with the one that the recording is of."""
    return json.dumps(
        {"object": "list", "data": [{"id": "grok-3-mini", "object": "model", "owned_by": "xai"}]}
    ).encode()


_EXCHANGE = re.compile(
    r"method: (\w+)\n    uri: (\S+)\n.*?string: '(.*?)'\n    headers:\n(.*?)\n    status:\n", re.DOTALL
)
_HEADER = re.compile(r"^      ([\w-]+):\n      - (.*?)(?=\n      \S|\Z)", re.DOTALL | re.MULTILINE)


def mastodon(data: Path, name: str) -> list[tuple[str, str, bytes, dict[str, str]]]:
    """Return the recorded exchanges of one file as (method, address, body, headers of the answer).

    The files are YAML as vcrpy writes it; this reads no more of it than that.
    """
    text = (data / "mastodon" / name).read_text()
    found = []
    for method, address, body, headers in _EXCHANGE.findall(text):
        joined = re.sub(r"\n +", " ", body).replace("''", "'")
        unfolded = {key: re.sub(r"\n +", " ", value) for key, value in _HEADER.findall(headers)}
        shown = {key: value[1:-1] if value[:1] == value[-1:] == "'" else value for key, value in unfolded.items()}
        found.append((method, address, joined.encode(), shown))
    return found


def timeline(data: Path) -> tuple[bytes, dict[str, str]]:
    """Return the recorded timeline of a tag with its headers."""
    recorded = mastodon(data, "test_hashtag_tl.yaml")
    return next((body, headers) for _, address, body, headers in recorded if "/timelines/tag/" in address)
