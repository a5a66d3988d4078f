"""What the pulse knows, as a document that outlives the process, and back. Pure.

Feeds show their newest items only: what they showed yesterday would be lost with the process, and with it every
baseline. The document belongs to the data directory and not to the database: anybody can gather it again, it has to be
there when the database is not, and it changes with every answer of every feed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backend.dashboard.pulse.items import Known
from backend.sources.base import PulseItem
from backend.sources.feed_reader import AUTHOR_LIMIT, SUMMARY_LIMIT, TITLE_LIMIT
from backend.sources.identifiers import ids_in
from backend.sources.links import web_link
from backend.sources.text import plain

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Fortune:
    """Of one source: its title, when it was last confirmed, how many records it had, and what it showed."""

    title: str
    as_of: datetime
    records: int
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class Memory:
    """What was known: the items, and the sources by name."""

    items: tuple[Known, ...]
    sources: Mapping[str, Fortune]


def written(items: Sequence[Known], sources: Mapping[str, Fortune]) -> dict[str, Any]:
    """Return the document."""
    return {
        "format": FORMAT,
        "items": [_item_row(known) for known in items],
        "sources": {
            name: {
                "title": one.title,
                "as_of": one.as_of.isoformat(),
                "records": one.records,
                "shown": sorted(one.shown),
            }
            for name, one in sources.items()
        },
    }


def read(document: Any, *, names: Iterable[str], now: datetime) -> Memory:
    """Return what a document says about the sources that there still are.

    Args:
        names: of these sources; what only others have given is left out.
        now: nothing is newer than this.

    Raises:
        ValueError: it is no such document.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("another format")
    wanted = frozenset(names)
    rows = document["sources"]
    sources = {name: _fortune(row, now) for name, row in rows.items() if name in wanted}
    items = tuple(_known(row, wanted, now) for row in document["items"])
    return Memory(tuple(item for item in items if item is not None), sources)


def _item_row(known: Known) -> dict[str, Any]:
    item = known.item
    return {
        "key": item.key,
        "title": item.title,
        "url": item.url,
        "author": item.author,
        "published": item.published.isoformat() if item.published else None,
        "summary": item.summary,
        "ids": list(item.ids),
        "at": known.at.isoformat() if known.at else None,
        "sources": list(known.sources),
    }


def _known(row: Mapping[str, Any], wanted: frozenset[str], now: datetime) -> Known | None:
    sources = tuple(name for name in row["sources"] if name in wanted)
    if not sources:
        return None
    item = PulseItem(
        key=str(row["key"]),
        title=plain(row["title"], TITLE_LIMIT),
        url=web_link(row["url"]),
        author=plain(row["author"], AUTHOR_LIMIT) or None,
        published=_moment(row["published"], now),
        summary=plain(row["summary"], SUMMARY_LIMIT),
        ids=ids_in(" ".join(map(str, row["ids"]))),
    )
    return Known(item, _moment(row["at"], now), sources)


def _fortune(row: Mapping[str, Any], now: datetime) -> Fortune:
    as_of = _moment(row["as_of"], now)
    if as_of is None:
        raise ValueError("a source without its time")
    return Fortune(plain(row["title"], TITLE_LIMIT), as_of, int(row["records"]), frozenset(map(str, row["shown"])))


def _moment(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return min(moment.astimezone(UTC), now)
