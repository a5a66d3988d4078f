"""Reading Mastodon's posts: HTML made plain, the same post on two servers made one. Pure: runs in a native thread."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from backend.errors import NetworkError
from backend.sources.base import PulseItem
from backend.sources.dates import moment
from backend.sources.documents import load_json
from backend.sources.feed_reader import AUTHOR_LIMIT, SUMMARY_LIMIT, TITLE_LIMIT
from backend.sources.identifiers import ids_in
from backend.sources.links import text_key, web_link
from backend.sources.text import from_html, plain, shorten

WHAT = "a timeline of Mastodon"
LONGEST = 10_000
_TITLE = 140
_PUBLIC = frozenset(("public", "unlisted"))
_ADDRESS = re.compile(r"https?://\S+|\bwww\.\S+", re.IGNORECASE)
_TAG = re.compile(r"#\s?(\w+)")
_MENTION = re.compile(r"(?<!\w)@[\w.]+(?:@[\w.-]+)?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_])")
_ID_TAG = re.compile(r"cve[_-]?(\d{4})[_-]?(\d{4,7})", re.IGNORECASE)


def read_posts(body: bytes, server: str, tags: Iterable[str]) -> tuple[tuple[PulseItem, ...], int]:
    """Return the posts of a timeline, and how many entries are none.

    Args:
        server: where it came from.
        tags: that were asked for; they say nothing about a post and are left out of its text.

    Raises:
        NetworkError: it is something else, or has entries of which none can be used.
    """
    listed = load_json(body)
    if not isinstance(listed, list):
        raise NetworkError("no list of posts", message=f"The answer is JSON, but not {WHAT}.")
    asked = frozenset(tag.lower() for tag in tags)
    read = [_post(entry, server, asked) if isinstance(entry, dict) else None for entry in listed]
    items = tuple(item for item in read if item is not None)
    if listed and not items:
        raise NetworkError(f"none of {len(listed)} entries is a post", message="The answer has no post to be used.")
    return items, len(listed) - len(items)


def _post(entry: dict[str, Any], server: str, asked: frozenset[str]) -> PulseItem | None:
    boosted = entry.get("reblog")
    post: dict[str, Any] = boosted if isinstance(boosted, dict) else entry
    uri = post.get("uri")
    if not isinstance(uri, str) or not uri or str(post.get("visibility", "public")) not in _PUBLIC:
        return None
    whole = " ".join(part for part in (_html(post, "spoiler_text"), _html(post, "content"), *_card(post)) if part)
    shown = _without_noise(whole, asked)
    return PulseItem(
        # its id differs from server to server, its uri does not (https://www.w3.org/TR/activitypub/#obj-id)
        key=text_key("mastodon", uri),
        title=_title(shown) or plain(whole, TITLE_LIMIT) or "A post without text",
        url=web_link(post.get("url")) or web_link(uri),
        author=_author(post.get("account"), server),
        published=moment(post.get("created_at")),
        summary=shorten(shown, SUMMARY_LIMIT),
        ids=ids_in(f"{whole} {_tagged_ids(post.get('tags'))}"),
    )


def _html(post: dict[str, Any], name: str) -> str:
    return from_html(post.get(name), LONGEST)


def _card(post: dict[str, Any]) -> Sequence[str]:
    """Return the title of the page that a post links to: often the news itself."""
    card = post.get("card")
    title = from_html(card.get("title"), TITLE_LIMIT) if isinstance(card, dict) else ""
    return (title,) if title else ()


def _without_noise(text: str, asked: frozenset[str]) -> str:
    """Leave out addresses, mentions and the tags that were asked for; other tags become words."""
    text = _MENTION.sub(" ", _ADDRESS.sub(" ", text))
    return plain(_TAG.sub(lambda tag: "" if tag[1].lower() in asked else tag[1], text), LONGEST)


def _title(text: str) -> str:
    first = _SENTENCE.split(text, maxsplit=1)[0]
    return shorten(first, _TITLE)


def _author(account: Any, server: str) -> str | None:
    """Return the account with its server, so that it is the same wherever it is seen."""
    if not isinstance(account, dict):
        return None
    name = plain(account.get("acct"), AUTHOR_LIMIT)
    if not name:
        return None
    return name if "@" in name else f"{name}@{urlsplit(server).netloc.lower()}"


def _tagged_ids(tags: Any) -> str:
    """Return the ids in a post's tags, which cannot have a hyphen: #CVE_2025_53770, #CVE202553770."""
    names = [tag.get("name") for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
    found = (_ID_TAG.fullmatch(name) for name in names if isinstance(name, str))
    return " ".join(f"CVE-{match[1]}-{match[2]}" for match in found if match)
