"""Turns at servers that want to be asked seldom."""

import pytest

from backend.resilience.testing import FakeClock
from backend.sources.feeds import FeedSource
from backend.sources.pace import Pace, slow_domain
from tests.unit.sources.fakes import ScriptedFetcher, inline

RSS = b'<rss version="2.0"><channel><title>N</title><item><title>T</title></item></channel></rss>'


def test_whoever_comes_at_the_same_time_waits_for_a_turn_of_his_own():
    clock = FakeClock()
    pace = Pace(60.0, clock=clock)
    began = clock.monotonic()
    turns = []
    for _ in range(3):
        pace.wait_turn()
        turns.append(clock.monotonic() - began)
    assert turns == [0.0, 60.0, 120.0]
    clock.advance(600)
    pace.wait_turn()
    assert clock.sleeps == [60.0, 60.0]


def test_two_feeds_of_a_slow_server_are_a_minute_apart():
    clock = FakeClock()
    pace = Pace(60.0, clock=clock)
    asked = ScriptedFetcher({"*": RSS})
    feeds = [FeedSource(asked, f"https://r.example/{n}", name=f"feed:{n}", pace=pace, offload=inline) for n in "ab"]
    for feed in feeds:
        feed.fetch()
    assert (clock.sleeps, len(asked.asked)) == ([60.0], 2)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.reddit.com/r/netsec/.rss", "reddit.com"),
        ("https://old.Reddit.com/r/netsec/.rss", "reddit.com"),
        ("https://reddit.com/.rss", "reddit.com"),
        ("https://notreddit.com/.rss", None),
        ("https://example.com/reddit.com", None),
    ],
)
def test_the_domain_tells_whether_a_server_is_slow(url, domain):
    assert slow_domain(url) == domain
