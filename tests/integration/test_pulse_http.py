"""The pulse over real HTTP on loopback: every recorded file whole, the same post from two servers once."""

import json
import time

import pytest

from backend.errors import DashboardError
from backend.sources.feeds import FeedSource
from backend.sources.fetcher import HttpFetcher, new_client
from backend.sources.hacker_news import HackerNews
from backend.sources.mastodon import Mastodon
from tests.integration import lying_server as lies
from tests.support.recorded import mastodon, timeline
from tests.support.requirements import require_data

TIMELINE = "/api/v1/timelines/tag/hoot"
# Counted in the files by their <item> and <entry> elements; None: none of them says anything, told as an error.
FEEDS = {
    "atom_relative.xml": 1,
    "crowdstrike.xml": 10,
    "cybersecurity-advisories.xml": 10,
    "databreaches.xml": 10,
    "encoding.rss": 40,
    "heise.atom": 15,
    "incomplete-fields.atom": None,
    "jsonfeed_spec_1.json": 1,
    "missing-fields.atom": 1,
    "proofpoint.xml": 10,
    "rss_1.0_iso8859.xml": 1,
    "rss_2.0_cloudflare.xml": 1,
    "rss_2.0_invalid_1.xml": None,
    "securityweek.xml": 10,
    "unrecognized.rss": None,
}


@pytest.fixture
def fetcher():
    with new_client() as client:
        yield HttpFetcher(client, timeout=2.0)


@pytest.fixture
def server():
    with lies.Server({}) as made:
        yield made


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(FEEDS))
def test_every_recorded_feed_has_its_entries(server, fetcher, name):
    folder = require_data() / "rss"
    assert {path.name for path in folder.iterdir()} == set(FEEDS)
    server.answers[f"/{name}"] = lies.reply((folder / name).read_bytes())
    source = FeedSource(fetcher, f"{server.url}/{name}", name="feed:x")
    if FEEDS[name] is None:
        with pytest.raises(DashboardError):
            source.fetch()
        return
    batch = source.fetch()
    assert (len(batch.items), batch.skipped) == (FEEDS[name], 0)


@pytest.mark.data
def test_every_recorded_answer_of_hacker_news_gives_its_stories_and_nothing_else(server, fetcher):
    seen = 0
    for exchange in json.loads((require_data() / "hn" / "hn-algolia-fixtures-2019.json").read_text()):
        server.answers["/hn"] = lies.reply(json.dumps(exchange["reply"]).encode())
        titled = [hit["title"] for hit in exchange["reply"].get("hits", []) if hit.get("title")]
        source = HackerNews(fetcher, url=f"{server.url}/hn")
        if not titled:  # comments, a person, a single item
            with pytest.raises(DashboardError):
                source.fetch()
            continue
        items = source.fetch().items
        assert len(items) == len(titled)
        assert all(item.url and item.url.startswith("http") and item.published for item in items)
        seen += len(items)
    assert seen == 18


@pytest.mark.data
def test_every_recorded_exchange_of_mastodon_gives_its_posts(server, fetcher):
    found = []
    for name in ("test_hashtag_tl.yaml", "test_trending_links.yaml", "test_trending_tags.yaml"):
        for method, _, body, headers in mastodon(require_data(), name):
            kept = {key: value for key, value in headers.items() if key.startswith("x-ratelimit")}
            server.answers[TIMELINE] = lies.reply(body, **{key.replace("-", "_"): kept[key] for key in kept})
            try:
                found.append(len(Mastodon(fetcher, server.url, tags=["hoot"], name="m").fetch().items))
            except DashboardError:
                found.append(f"{method} {body[:1].decode()}")
    assert found == ["POST {", "GET {", 1, "DELETE {", 0, 0, 0]


@pytest.mark.data
def test_the_same_post_from_two_servers_is_one_item_of_two_sources(server, fetcher):
    body, headers = timeline(require_data())
    assert 'rel="next"' in headers["link"]  # of the server that was recorded: another origin here, so not followed
    with lies.Server({}) as other:
        for each in (server, other):
            each.answers[TIMELINE] = lies.reply(body, Link=headers["link"])
        items = [Mastodon(fetcher, each.url, tags=["hoot"], name="m").fetch().items for each in (server, other)]
    assert items[0][0].key == items[1][0].key
    assert len(server.requests) == 1


def test_a_spent_rate_limit_is_told_with_the_time_of_its_end(server, fetcher):
    reset = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 120))
    limits = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": reset}
    server.answers[TIMELINE] = lies.reply(b'{"error": "Too many requests"}', "429 Too Many Requests", **limits)
    with pytest.raises(DashboardError) as caught:
        Mastodon(fetcher, server.url, tags=["hoot"], name="m").fetch()
    assert 100 < caught.value.retry_after <= 120
    assert "slow down" in caught.value.message


def test_the_next_page_is_asked_for_at_the_same_server_with_the_key(server, fetcher):
    post = {"uri": "https://x.example/1", "content": "<p>One</p>", "created_at": "2026-08-01T00:00:00Z"}
    first = lies.reply(json.dumps([post]).encode(), Link=f'<{server.url}/page-2>; rel="next"')
    server.answers = {
        TIMELINE: first,
        "/page-2": lies.reply(json.dumps([{**post, "uri": "https://x.example/2"}]).encode()),
    }
    source = Mastodon(fetcher, server.url, tags=["hoot"], name="m", key="secret")
    assert len(source.fetch().items) == 2
    assert all("authorization: bearer secret" in request.lower() for request in server.requests)
