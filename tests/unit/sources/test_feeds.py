"""A feed is a source with a name of its own; so is Hacker News."""

import json
from datetime import UTC, datetime

import pytest

from backend.errors import NetworkError
from backend.sources.base import Validators
from backend.sources.feeds import FeedSource, feed_names
from backend.sources.hacker_news import HackerNews, read_stories
from tests.support.requirements import require_data
from tests.unit.sources.fakes import ScriptedFetcher, inline, unchanged

URL = "https://www.news.example/feed.xml"
RSS = b'<rss version="2.0"><channel><title>The News</title><item><title>T</title></item></channel></rss>'
HN = "https://hn.example/search"


def story(**more):
    return {
        "objectID": "42",
        "title": "A story about CVE-2026-1234",
        "url": "https://a.example/s?utm_source=hn",
        "author": "ann",
        "created_at": "2026-07-15T10:00:00.000Z",
        **more,
    }


def hits(*found):
    return json.dumps({"hits": found}).encode()


def test_names_are_hosts_and_only_as_long_as_they_must_be():
    names = feed_names(
        ["https://www.a.example/feed", "https://b.example/x.xml", "https://b.example/y.xml", "http://b.example/y.xml"]
    )
    assert list(names.values()) == [
        "feed:a.example",
        "feed:b.example/x.xml",
        "feed:https://b.example/y.xml",
        "feed:http://b.example/y.xml",
    ]


def test_the_same_address_twice_is_one_feed():
    assert feed_names([URL, URL]) == {URL: "feed:news.example"}


def test_a_feed_brings_its_own_title_and_its_validators():
    fetcher = ScriptedFetcher({URL: RSS})
    batch = FeedSource(fetcher, URL, name="feed:news.example", offload=inline).fetch()
    assert (batch.title, len(batch.items), batch.validators.url) == ("The News", 1, URL)


def test_an_unchanged_feed_is_said_to_be_unchanged():
    fetcher = ScriptedFetcher({URL: unchanged(URL)})
    known = Validators(URL, '"tag"')
    batch = FeedSource(fetcher, URL, name="feed:news.example", offload=inline).fetch(previous=known)
    assert (batch.not_modified, batch.validators, fetcher.asked[0][1]["etag"]) == (True, known, '"tag"')


def test_a_story_is_an_item():
    items, skipped = read_stories(hits(story()))
    item = items[0]
    assert (item.title, item.url, item.author) == ("A story about CVE-2026-1234", "https://a.example/s", "ann")
    assert (item.published, item.ids, skipped) == (datetime(2026, 7, 15, 10, tzinfo=UTC), ("CVE-2026-1234",), 0)


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)"])
def test_a_story_without_a_link_links_to_its_discussion(url):
    items, _ = read_stories(hits(story(url=url, story_text="<p>See CVE-2025-9999")))
    assert items[0].url == "https://news.ycombinator.com/item?id=42"
    assert items[0].ids == ("CVE-2026-1234", "CVE-2025-9999")


def test_what_is_no_story_is_left_out():
    items, skipped = read_stories(hits(story(), story(title=None), story(objectID="x"), 7, None))
    assert (len(items), skipped) == (1, 4)


@pytest.mark.parametrize("body", [hits(7, None), b'{"hits": 5}', b"[]", b"<html>", b""])
def test_an_answer_without_stories_is_refused(body):
    with pytest.raises(NetworkError):
        read_stories(body)


def test_no_hits_are_no_failure():
    assert read_stories(hits()) == ((), 0)


def test_hacker_news_is_asked_conditionally():
    fetcher = ScriptedFetcher({HN: hits(story())})
    source = HackerNews(fetcher, url=HN, offload=inline)
    batch = source.fetch()
    fetcher.answers[HN] = unchanged(HN)
    assert source.fetch(previous=batch.validators).not_modified is True
    assert fetcher.asked[1][1]["etag"] == '"tag"'


@pytest.mark.data
def test_every_recorded_answer_gives_its_stories_or_says_that_it_has_none():
    recorded = json.loads((require_data() / "hn" / "hn-algolia-fixtures-2019.json").read_text())
    for exchange in recorded:
        reply = exchange["reply"]
        titled = [hit for hit in reply.get("hits", []) if hit.get("title")]
        if titled:
            assert len(read_stories(json.dumps(reply).encode())[0]) == len(titled)
        else:
            with pytest.raises(NetworkError):
                read_stories(json.dumps(reply).encode())
