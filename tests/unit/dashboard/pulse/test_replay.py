"""The security feeds of July 2025, hour by hour: topics rise when they rose, with the counts that can be counted."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest

from backend.dashboard.pulse.service import PulseService
from backend.resilience.guard import Guards
from backend.resilience.testing import FakeClock
from backend.schemas.pulse import WINDOWS
from backend.sources.base import PulseBatch, PulseItem, Validators
from backend.sources.feed_reader import read_feed
from tests.support.requirements import require_data
from tests.unit.dashboard.source_fakes import FakeSource, inline

FEEDS = ("securityweek.xml", "databreaches.xml", "crowdstrike.xml", "proofpoint.xml", "cybersecurity-advisories.xml")
NAMES = {"sharepoint": "SharePoint", "microsoft": "Microsoft", "sonicwall": "SonicWall"}
HOUR = timedelta(hours=1)
START, END = datetime(2025, 7, 20, tzinfo=UTC), datetime(2025, 7, 25, 1, tzinfo=UTC)


class Replay:
    """A pulse service whose feeds show at each hour what they had published by then."""

    def __init__(self, feeds):
        self.clock = FakeClock(START)
        self.feeds = feeds
        self.everything = {item.key: item for items in feeds.values() for item in items}
        self.pulse = PulseService(
            [FakeSource(f"feed:{name}", self._showing(items), refresh_seconds=3600.0) for name, items in feeds.items()],
            guards=Guards(clock=self.clock),
            names=lambda: NAMES,
            clock=self.clock,
            offload=inline,
        )

    def _showing(self, items):
        def fetch(**_):
            shown = tuple(item for item in items if item.published <= self.clock.now())
            return PulseBatch(shown, validators=Validators("u"))

        return fetch

    def hours(self):
        """Go through the hours; at each one all feeds have been asked."""
        while self.clock.now() < END:
            self.pulse.refresh()
            yield self.clock.now()
            self.clock.advance(HOUR.total_seconds())

    def topics(self, window):
        """Return the topics of a window by their name, in their order."""
        payload = self.pulse.query({"window": window, "limit": 100})
        assert payload["status"] in ("live", "stale")
        return {topic["topic"]: topic for topic in payload["topics"]}, payload

    def counted(self, name, after, until):
        """Count by hand: items of a time whose title or summary has the name as a word."""
        word = re.compile(rf"\b{name}\b")
        inside = [item for item in self.everything.values() if after < item.published <= until]
        return sum(bool(word.search(f"{item.title}\n{item.summary}")) for item in inside)


@pytest.fixture
def recorded():
    folder = require_data() / "rss"
    return {name: read_feed((folder / name).read_bytes(), "https://x.example/").items for name in FEEDS}


@pytest.mark.data
@pytest.mark.parametrize("name", FEEDS)
def test_what_is_counted_is_what_the_files_say(recorded, name):
    """Titles and dates by another parser, so that the counts below do not rest on the reader alone."""
    entries = ElementTree.fromstring((require_data() / "rss" / name).read_bytes()).iter("item")  # noqa: S314 - recorded
    told = [(each.findtext("title"), parsedate_to_datetime(each.findtext("pubDate"))) for each in entries]
    zoned = [(title.strip(), at.replace(tzinfo=at.tzinfo or UTC)) for title, at in told]
    assert [item.published for item in recorded[name]] == [at for _, at in zoned]
    assert [item.title[:30].split() for item in recorded[name]] == [title[:30].split() for title, _ in zoned]


@pytest.mark.data
def test_topics_rise_as_the_news_came_in_with_the_counts_and_velocities_of_each_window(recorded):
    replay, rising = Replay(recorded), []
    for now in replay.hours():
        for window, length in WINDOWS.items():
            topics, payload = replay.topics(window)
            end = datetime.fromisoformat(payload["window_end"])
            assert end == now or payload["status"] == "stale", (now, window)
            for name in NAMES.values():
                mentions = replay.counted(name, end - length, end)
                before = replay.counted(name, end - 2 * length, end - length)
                topic = topics.get(name, {"mentions": 0, "velocity": None})
                assert topic["mentions"] == mentions, (now, window, name)
                if mentions:
                    hours = length.total_seconds() / 3600
                    assert topic["velocity"] == pytest.approx((mentions - before) / hours, abs=1e-4)
            order = [topic["sources"] for topic in topics.values()]
            assert order == sorted(order, reverse=True), (now, window)
        rising.append(topics.get("SharePoint", {"mentions": 0})["mentions"])
    assert rising == sorted(rising)
    assert (rising[0], rising[-1]) == (0, 3)
    assert topics["SharePoint"]["sources"] == 3
    assert next(iter(topics)) == "SharePoint"


def loud(number):
    """One of forty items in which a single source repeats its one story."""
    at = START + timedelta(hours=80, minutes=number)
    title = f"Loudware: {number}"
    return PulseItem(f"loud-{number}", title, f"https://loud.example/{number}", published=at)


@pytest.mark.data
def test_a_story_in_one_source_only_does_not_outrank_one_in_four(recorded):
    retold = [item for item in recorded["securityweek.xml"] if "SharePoint" in item.title]
    assert len(retold) == 1
    replay = Replay({**recorded, "fourth": retold, "loud": [loud(number) for number in range(40)]})
    seen = 0
    for _ in replay.hours():
        topics, _ = replay.topics("7d")
        four, one = topics.get("SharePoint"), topics.get("Loudware")
        if four and one and (four["sources"], one["sources"]) == (4, 1):
            seen += 1
            assert list(topics).index("SharePoint") < list(topics).index("Loudware")
    assert seen > 0
    assert (four["mentions"], one["mentions"], one["sources"]) == (3, 40, 1)  # the retold item is one and the same
