"""Mastodon's posts: what is read out of them, how pages are followed, what is refused."""

import json
from datetime import UTC, datetime

import pytest

from backend.errors import NetworkError
from backend.sources.fetcher import Fetched
from backend.sources.mastodon import PAGE, Mastodon, server_names
from backend.sources.mastodon_posts import read_posts
from tests.support.recorded import mastodon, timeline
from tests.support.requirements import require_data
from tests.unit.sources.fakes import ScriptedFetcher, inline

SERVER = "https://social.example"
FIRST = f"{SERVER}/api/v1/timelines/tag/infosec?limit={PAGE}"


def post(number=1, content="<p>Patch now</p>", **more):
    return {
        "id": str(number),
        "uri": f"https://home.example/users/ann/statuses/{number}",
        "url": f"https://home.example/@ann/{number}",
        "created_at": "2026-08-01T13:55:55.867Z",
        "visibility": "public",
        "spoiler_text": "",
        "content": content,
        "account": {"acct": "ann@home.example", "display_name": "Ann <script>"},
        "tags": [],
        **more,
    }


def read(*posts, server=SERVER):
    return read_posts(json.dumps(posts).encode(), server, ["infosec"])[0]


def page(*posts, link="", left="299"):
    headers = {"link": link, "x-ratelimit-remaining": left}
    return Fetched(200, json.dumps(posts).encode(), None, None, False, FIRST, headers)


def source(fetcher, *tags):
    return Mastodon(fetcher, SERVER, tags=tags or ["infosec"], name="mastodon:x", offload=inline)


@pytest.mark.data
def test_the_recorded_timeline_is_one_post():
    body, headers = timeline(require_data())
    (item,), skipped = read_posts(body, "http://localhost:3000", ["infosec"])
    assert (item.title, item.author, skipped) == ("hoot (hashtag toot)", "mastodonpy_test_2@localhost:3000", 0)
    assert item.url == "http://localhost:3000/@mastodonpy_test_2/117020593741189701"
    assert item.published == datetime(2026, 8, 1, 13, 55, 55, 867000, tzinfo=UTC)
    assert headers["x-ratelimit-remaining"] == "299"


@pytest.mark.data
@pytest.mark.parametrize("name", ["test_trending_links.yaml", "test_trending_tags.yaml"])
def test_the_recorded_trends_are_empty(name):
    for _, _, body, _ in mastodon(require_data(), name):
        assert read_posts(body, "http://localhost:3000", ["infosec"]) == ((), 0)


def test_the_same_post_on_two_servers_is_one():
    here = read(post(7, id="100"))[0]
    there = read(post(7, id="200", url="https://home.example/@ann/7?x"), server="https://other.example")[0]
    at_home = read(post(7, account={"acct": "ann"}), server="https://home.example")[0]
    assert here.key == there.key == at_home.key
    assert here.author == there.author == at_home.author == "ann@home.example"


def test_html_becomes_text_and_what_is_no_talk_is_left_out():
    content = (
        '<p><span class="h-card"><a href="https://x.example/@bob">@<span>bob</span></a></span> SharePoint exploited!'
        ' Patch &amp; rotate keys</p><p><a href="https://n.example/a"><span class="invisible">https://</span>n.example/a'
        '</a> <a href="https://social.example/tags/InfoSec">#<span>InfoSec</span></a> #ToolShell</p>'
    )
    (item,) = read(post(content=content))
    assert (item.title, item.summary) == (
        "SharePoint exploited!",
        "SharePoint exploited! Patch & rotate keys ToolShell",
    )


def test_ids_come_from_text_card_and_tags():
    tags = [{"name": "CVE_2026_1111"}, {"name": "cve20262222"}, {"name": "cve"}, {"name": None}, "x"]
    (item,) = read(post(content="<p>CVE-2026-0001 is out</p>", card={"title": "All about CVE-2026-3333"}, tags=tags))
    assert item.ids == ("CVE-2026-0001", "CVE-2026-3333", "CVE-2026-1111", "CVE-2026-2222")


def test_a_boost_is_the_post_that_it_boosts_and_a_private_one_is_none():
    boost = post(9, content="", reblog=post(7))
    assert read(boost)[0].key == read(post(7))[0].key
    with pytest.raises(NetworkError):
        read(post(visibility="private"))


def test_a_warning_in_front_of_the_text_is_part_of_it():
    assert read(post(spoiler_text="Ransomware."))[0].title == "Ransomware."


def test_hostile_html_and_addresses_do_nothing():
    content = "<p><img src=x onerror=alert(1)>&lt;script&gt;alert(1)&lt;/script&gt; a\u200bb\u202ec</p>"
    (item,) = read(post(content=content, url="javascript:alert(1)", uri="javascript:alert(2)"))
    assert item.url is None
    assert not set("<>\u200b\u202e") & set(item.title + item.summary)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"error": "x"}', b"7", b"[7, null]", b'[{"id": "1"}]', b"<!doctype html>", b"["]
)
def test_what_is_no_timeline_is_refused(body):
    with pytest.raises(NetworkError):
        read_posts(body, SERVER, [])


def test_an_empty_timeline_is_one():
    assert read_posts(b"[]", SERVER, []) == ((), 0)


def test_pages_are_followed_as_the_link_header_says_and_no_further_than_two():
    second = f"{SERVER}/api/v1/timelines/tag/infosec?max_id=1"
    third = f"{SERVER}/api/v1/timelines/tag/infosec?max_id=0"
    asked = ScriptedFetcher(
        {FIRST: page(post(2), link=f'<{second}>; rel="next"'), second: page(post(1), link=f'<{third}>; rel="next"')}
    )
    assert len(source(asked).fetch().items) == 2
    assert [url for url, _ in asked.asked] == [FIRST, second]


def test_a_page_at_another_server_is_not_followed():
    asked = ScriptedFetcher({FIRST: page(post(), link='<https://evil.example/x>; rel="next"')})
    assert len(source(asked).fetch().items) == 1
    assert len(asked.asked) == 1


def test_with_few_requests_left_no_further_page_is_asked_for():
    asked = ScriptedFetcher({FIRST: page(post(), link=f'<{SERVER}/y>; rel="next"', left="3")})
    source(asked).fetch()
    assert len(asked.asked) == 1


def test_a_post_under_two_tags_is_one_and_a_tag_that_fails_fails_all():
    other = FIRST.replace("infosec", "cve")
    asked = ScriptedFetcher({FIRST: page(post()), other: page(post(), post(2))})
    assert len(source(asked, "infosec", "cve").fetch().items) == 2
    asked.answers[other] = NetworkError("down")
    with pytest.raises(NetworkError):
        source(asked, "infosec", "cve").fetch()


def test_servers_are_named_by_host_each_once():
    names = server_names(["https://A.example", "http://127.0.0.1:8000/", "https://A.example"])
    assert list(names.values()) == ["mastodon:a.example", "mastodon:127.0.0.1:8000"]
