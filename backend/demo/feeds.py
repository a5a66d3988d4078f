"""Invented security news: four feeds (RSS and Atom) and the shape of Hacker News' search.

An item is a function of its number, so that every request tells the same story; new ones appear as time goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import escape

from backend.demo.threats import INITIAL, VENDORS, count_at, record_id

KEPT = 30
NEW_EVERY = timedelta(seconds=40)
SPACING = timedelta(minutes=45)
TALK = 6
"""Items of a feed after which the talk has moved on by one record."""
RANKS = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 5)
"""How far behind the newest record a story is: a few records are the talk of the town, the others are mentioned."""
STORIES = (
    "Ransomware crew claims attack on {vendor}",
    "Exploitation of {product} reported hours after disclosure",
    "Phishing wave imitates sign-in page of {product}",
    "Supply chain attack hides in package for {product}",
    "{vendor} ships emergency patch for {id}",
    "Botnet scans for unpatched {product} devices",
    "Data breach at customer of {vendor} under investigation",
    "Ransomware uses {id} in {product} for first access",
    "Researchers publish detection rules for {product} backdoor",
)


@dataclass(frozen=True)
class Feed:
    """One feed: `slug` is its path, `offset` where in the stories it begins."""

    slug: str
    title: str
    atom: bool
    offset: int


FEEDS = (
    Feed("wire", "[demo] Example Security Wire", False, 0),
    Feed("bulletins", "[demo] Sample Response Team Bulletins", False, 2),
    Feed("research", "[demo] Fictional Research Notes", True, 4),
    Feed("journal", "[demo] Placeholder Incident Journal", False, 7),
)


@dataclass(frozen=True)
class Item:
    """One piece of news."""

    number: int
    key: str
    title: str
    link: str
    summary: str
    published: datetime


def items(offset: int, now: datetime, started: datetime) -> list[Item]:
    """Return the newest items of the feed that begins at `offset`, newest first."""
    newest = KEPT + max(0, int((now - started) / NEW_EVERY))
    return [_item(offset, number, started, now) for number in range(newest, newest - KEPT, -1)]


def _item(offset: int, number: int, started: datetime, now: datetime) -> Item:
    fresh = max(0, number - KEPT)
    published = started + fresh * NEW_EVERY - max(0, KEPT - number) * SPACING - timedelta(seconds=7 * offset)
    known = count_at(min(published, now), started) if fresh else INITIAL
    chosen = known - max(0, KEPT - number) // TALK - RANKS[(number * 7 + offset * 3) % len(RANKS)]
    vendor, product = VENDORS[chosen % len(VENDORS)]
    story = STORIES[(number + offset) % len(STORIES)]
    name = record_id(chosen, started)
    title = "[demo] " + story.format(vendor=vendor, product=product, id=name)
    key = f"demo-{offset}-{number}"
    summary = f"Invented for the demo, about {name}. Nothing of this has happened."
    return Item(number, key, title, f"https://example.com/demo/{key}", summary, published)


def feed_document(feed: Feed, now: datetime, started: datetime) -> tuple[bytes, str]:
    """Return a feed's document and its content type."""
    entries = items(feed.offset, now, started)
    if feed.atom:
        return _atom(feed, entries).encode(), "application/atom+xml; charset=utf-8"
    return _rss(feed, entries).encode(), "application/rss+xml; charset=utf-8"


def _rss(feed: Feed, entries: list[Item]) -> str:
    body = "".join(
        f"<item><title>{escape(item.title)}</title><link>{item.link}</link><guid>{item.key}</guid>"
        f"<description>{escape(item.summary)}</description>"
        f"<pubDate>{format_datetime(item.published, usegmt=True)}</pubDate></item>"
        for item in entries
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>{escape(feed.title)}</title><link>https://example.com/demo</link>"
        f"<description>Simulated news</description>{body}</channel></rss>"
    )


def _atom(feed: Feed, entries: list[Item]) -> str:
    body = "".join(
        f"<entry><id>{item.key}</id><title>{escape(item.title)}</title><link href='{item.link}'/>"
        f"<summary>{escape(item.summary)}</summary><updated>{item.published:%Y-%m-%dT%H:%M:%SZ}</updated></entry>"
        for item in entries
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f"<id>demo-{feed.slug}</id><title>{escape(feed.title)}</title>"
        f"<updated>{entries[0].published:%Y-%m-%dT%H:%M:%SZ}</updated>{body}</feed>"
    )


def search(now: datetime, started: datetime) -> dict[str, Any]:
    """Return stories in the shape of the Algolia search of Hacker News; like there, some have no address."""
    hits = [_hit(item) for item in items(5, now, started)]
    return {"hits": hits, "nbHits": len(hits), "page": 0, "nbPages": 1, "hitsPerPage": len(hits), "query": ""}


def _hit(item: Item) -> dict[str, Any]:
    number = item.number
    return {
        "objectID": str(90_000_000 + number),
        "title": item.title,
        "url": None if number % 6 == 0 else item.link,
        "author": f"demo_reader_{number % 7}",
        "points": 15 + number * 37 % 240,
        "num_comments": number * 11 % 90,
        "created_at": f"{item.published:%Y-%m-%dT%H:%M:%SZ}",
        "created_at_i": int(item.published.timestamp()),
        "story_text": item.summary if number % 6 == 0 else None,
        "_tags": ["story", f"author_demo_reader_{number % 7}", f"story_{90_000_000 + number}"],
    }
