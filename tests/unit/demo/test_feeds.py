"""The invented news."""

from datetime import UTC, datetime, timedelta

import feedparser
import pytest

from backend.demo import feeds

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("feed", feeds.FEEDS, ids=lambda feed: feed.slug)
def test_a_feed_parses_without_a_fault_and_every_title_is_marked(feed):
    body, content_type = feeds.feed_document(feed, START, START)
    parsed = feedparser.parse(body, response_headers={"content-type": content_type})
    assert not parsed.bozo
    assert len(parsed.entries) == feeds.KEPT
    assert all(entry.title.startswith("[demo] ") for entry in parsed.entries)
    assert "CVE-" not in body.decode()


@pytest.mark.parametrize("feed", feeds.FEEDS, ids=lambda feed: feed.slug)
def test_items_are_dated_within_the_last_day_and_never_in_the_future(feed):
    later = START + timedelta(minutes=7)
    dates = [item.published for item in feeds.items(feed.offset, later, START)]
    assert dates == sorted(dates, reverse=True)
    assert dates[0] <= later
    assert dates[-1] > later - timedelta(hours=24)


def test_new_items_arrive_and_old_ones_keep_their_key_and_text():
    before = {item.key: item for item in feeds.items(0, START, START)}
    after = {item.key: item for item in feeds.items(0, START + 2 * feeds.NEW_EVERY, START)}
    assert len(after.keys() - before.keys()) == 2
    assert all(after[key] == before[key] for key in after.keys() & before.keys())


def test_the_feeds_do_not_all_tell_the_same_story():
    first = [feeds.items(feed.offset, START, START)[0].title for feed in feeds.FEEDS]
    assert len(set(first)) == len(first)


def test_news_names_records_that_the_catalogue_has():
    text = feeds.feed_document(feeds.FEEDS[0], START, START)[0].decode()
    assert "DEMO-2026-0060" in text
    assert "DEMO-2026-0061" not in text


def test_a_few_records_are_talked_about_most():
    told = [
        item.summary.split("about ")[1].split(".")[0]
        for f in feeds.FEEDS
        for item in feeds.items(f.offset, START, START)
    ]
    counts = sorted((told.count(name) for name in set(told)), reverse=True)
    assert len(counts) >= 8
    assert counts[0] >= 2 * counts[len(counts) // 2]


def test_the_search_has_the_fields_of_the_real_one_and_a_story_without_address():
    found = feeds.search(START, START)
    assert found["nbHits"] == len(found["hits"]) == feeds.KEPT
    assert {"objectID", "title", "url", "author", "points", "num_comments", "created_at_i"} <= found["hits"][0].keys()
    assert any(hit["url"] is None for hit in found["hits"])
