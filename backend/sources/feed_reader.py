"""Reading RSS, Atom and JSON Feed, tolerantly. Pure: runs in a native thread.

feedparser does the XML, also the broken kind; what it leaves to us: dates it cannot read, entries without an id, and
JSON Feed (https://www.jsonfeed.org/version/1.1/).
"""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from backend.errors import NetworkError
from backend.sources.base import PulseItem
from backend.sources.dates import moment
from backend.sources.documents import looks_like_web_page
from backend.sources.identifiers import ids_in
from backend.sources.links import link_key, text_key, web_link
from backend.sources.text import from_html
from backend.sources.xml_limits import check_xml, real_characters

MOST_ENTRIES = 500
TITLE_LIMIT, SUMMARY_LIMIT, AUTHOR_LIMIT = 300, 500, 80
_SEARCHED = 200_000
_HEAD = 16_384
_ROOT = re.compile(rb"<(?:\w+:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)
# Names that say nothing without the site: "Blog" of which one?
_NAMELESS = frozenset(("blog", "news", "feed", "rss", "rss feed", "home", "all posts", "posts", "articles", "latest"))


_Entry = tuple[PulseItem, str]
"""An item, and the key that it has in its feed alone."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What was read; `skipped` counts entries with nothing in them."""

    items: tuple[PulseItem, ...]
    title: str | None
    skipped: int


def read_feed(body: bytes, url: str) -> Feed:
    """Read a feed.

    Args:
        url: where it came from, for relative links.

    Raises:
        NetworkError: it is something else, or has entries of which none can be used.
    """
    if looks_like_web_page(body):
        raise NetworkError("HTML where a feed was expected", message="The server answered with a web page, not a feed.")
    feed = _json_feed(body, url) if body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else _xml_feed(body, url)
    if not feed.items and feed.skipped:
        raise NetworkError(f"{feed.skipped} empty entries", message="The feed has no entries that can be used.")
    return feed


def _xml_feed(body: bytes, url: str) -> Feed:
    if not _ROOT.search(body[:_HEAD].replace(b"\0", b"")):
        raise NetworkError("no root element of a feed", message="The server answered with something that is no feed.")
    check_xml(body)
    import feedparser  # noqa: PLC0415 - 50 ms that the start does not have to pay

    try:
        # As a stream: bytes or text would be tried as the name of a file first. Texts are cleaned by us, with nh3.
        parsed = feedparser.parse(
            io.BytesIO(real_characters(body)),
            response_headers={"content-location": url, "content-type": "application/xml"},
            resolve_relative_uris=False,
            sanitize_html=False,
        )
    except Exception as error:  # nobody knows what else a parser may raise over what strangers write
        raise NetworkError(repr(error), message="The feed cannot be read: it is damaged.") from error
    if not parsed.entries and (parsed.bozo or not parsed.version):
        raise NetworkError(
            f"no entries: {parsed.get('bozo_exception', 'unknown format')}",
            message="The feed has no entries, or it is no feed.",
        )
    read = [_xml_item(entry, url) for entry in parsed.entries[:MOST_ENTRIES]]
    title = _title(parsed.feed.get("title"), parsed.feed.get("link"), url)
    return _feed(read, title)


def _feed(read: list[_Entry | None], title: str | None) -> Feed:
    items = tuple(_told_apart([entry for entry in read if entry is not None]))
    return Feed(items, title, len(read) - len(items))


def _told_apart(entries: list[_Entry]) -> Iterator[PulseItem]:
    """Yield the items; where several things stand on one page (each at a #place of it), they are not one item."""
    titles: dict[str, set[str]] = {}
    for item, _ in entries:
        titles.setdefault(item.key, set()).add(item.title)
    for item, own_key in entries:
        yield replace(item, key=own_key) if len(titles[item.key]) > 1 else item


def _xml_item(entry: Any, url: str) -> _Entry | None:
    bodies = [entry.get("summary"), *(content.get("value") for content in entry.get("content", ()))]
    return _item(
        title=entry.get("title"),
        link=entry.get("feedburner_origlink") or entry.get("link"),
        name=entry.get("id"),
        author=entry.get("author"),
        published=_xml_date(entry),
        bodies=bodies,
        base=url,
    )


def _xml_date(entry: Any) -> datetime | None:
    for field in ("published", "updated"):
        parsed = dict.get(entry, f"{field}_parsed")  # its own `get` takes the one for the other, with a warning
        if parsed:
            try:
                return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
            except (ValueError, OverflowError, OSError):
                continue
        found = moment(dict.get(entry, field))
        if found is not None:
            return found
    return None


def _json_feed(body: bytes, url: str) -> Feed:
    try:
        document = orjson.loads(body.removeprefix(b"\xef\xbb\xbf").strip())
    except orjson.JSONDecodeError as error:
        raise NetworkError(f"not JSON: {error}", message="The answer is no feed: it is damaged or cut off.") from None
    entries = document.get("items")
    if "jsonfeed.org" not in str(document.get("version")) or not isinstance(entries, list):
        raise NetworkError("JSON that is no feed", message="The server answered with JSON that is no feed.")
    read = [_json_item(entry, url) if isinstance(entry, dict) else None for entry in entries[:MOST_ENTRIES]]
    return _feed(read, _title(document.get("title"), document.get("home_page_url"), url))


def _json_item(entry: dict[str, Any], url: str) -> _Entry | None:
    authors = entry.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else entry.get("author")
    return _item(
        title=entry.get("title"),
        link=entry.get("url") or entry.get("external_url"),
        name=entry.get("id"),
        author=first.get("name") if isinstance(first, dict) else None,
        published=moment(entry.get("date_published") or entry.get("date_modified")),
        bodies=[entry.get("summary"), entry.get("content_html"), entry.get("content_text")],
        base=url,
    )


def _item(
    *, title: Any, link: Any, name: Any, author: Any, published: datetime | None, bodies: list[Any], base: str
) -> _Entry | None:
    """Make an item, None where there is neither a title nor a link nor an id."""
    texts = [body for body in bodies if isinstance(body, str) and body]
    shown, address = from_html(title, TITLE_LIMIT), web_link(link, base)
    name = name.strip() if isinstance(name, str) else ""
    if not shown and not address and not name:
        return None
    own_key = text_key(base, name) if name else text_key(address, shown) if address else text_key(shown)
    item = PulseItem(
        key=link_key(address) if address else own_key,
        title=shown,
        url=address,
        author=from_html(author, AUTHOR_LIMIT) or None,
        published=published,
        summary=from_html(texts[0], SUMMARY_LIMIT) if texts else "",
        ids=ids_in(" ".join([shown, *texts])[:_SEARCHED]),
    )
    return item, own_key


def _title(given: Any, home: Any, url: str) -> str | None:
    title = from_html(given, 60)
    if title.lower() in _NAMELESS:
        site = urlsplit(web_link(home, url) or url).hostname or ""
        return f"{title} ({site.removeprefix('www.')})"
    return title or None
