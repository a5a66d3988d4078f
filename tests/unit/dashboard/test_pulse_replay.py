"""The security feeds of July 2025, hour by hour: topics rise when they rose, with the counts that can be counted."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from backend.dashboard.pulse_items import ItemStore
from backend.dashboard.pulse_topics import find_topics
from backend.resilience.testing import FakeClock
from backend.sources.feed_reader import read_feed
from tests.support.requirements import require_data

FEEDS = ("securityweek.xml", "databreaches.xml", "crowdstrike.xml", "proofpoint.xml", "cybersecurity-advisories.xml")
NAMES = {"sharepoint": "SharePoint", "microsoft": "Microsoft", "sonicwall": "SonicWall"}
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
START, END = datetime(2025, 7, 20, tzinfo=UTC), datetime(2025, 7, 25, 1, tzinfo=UTC)


def counted(items, now, name):
    """Count by hand: items of the week whose title or summary has the name as a word."""
    word = re.compile(rf"\b{name}\b")
    inside = [item for item in items if now - WEEK < item.published <= now]
    return sum(bool(word.search(f"{item.title}\n{item.summary}")) for item in inside)


@pytest.mark.data
def test_topics_rise_as_the_news_came_in():
    folder = require_data() / "rss"
    feeds = {name: read_feed((folder / name).read_bytes(), "https://x.example/").items for name in FEEDS}
    everything = [item for items in feeds.values() for item in items]
    clock = FakeClock(START)
    store, seen, ranks, terms = ItemStore(clock=clock), [], [], {}
    while clock.now() < END:
        now = clock.now()
        for name, items in feeds.items():
            store.take(name, [item for item in items if item.published <= now])
        found = find_topics(store.all(), now=now, window=WEEK, names=NAMES, titles={}, terms=terms, limit=100)
        terms = found.terms
        topics = {topic["topic"]: topic for topic in found.topics}
        for name in NAMES.values():
            assert topics.get(name, {"mentions": 0})["mentions"] == counted(everything, now, name), (now, name)
        seen.append(topics.get("SharePoint", {"mentions": 0})["mentions"])
        ranks.append([topic["sources"] for topic in found.topics])
        clock.advance(HOUR.total_seconds())
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 3)
    assert all(sources == sorted(sources, reverse=True) for sources in ranks)
    assert topics["SharePoint"]["sources"] == 3
