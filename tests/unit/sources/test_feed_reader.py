"""Feeds are read whatever they look like, or said to be none."""

from datetime import UTC, datetime

import pytest

from backend.errors import NetworkError
from backend.sources.feed_reader import MOST_ENTRIES, SUMMARY_LIMIT, read_feed
from tests.support.requirements import require_data

URL = "https://news.example/feed.xml"


def rss(*items, title="News of the Week"):
    return f'<rss version="2.0"><channel><title>{title}</title>{"".join(items)}</channel></rss>'.encode()


def only(body):
    items = read_feed(body, URL).items
    assert len(items) == 1
    return items[0]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "entries", "dated"),
    [
        ("atom_relative.xml", 1, 1),
        ("crowdstrike.xml", 10, 10),
        ("cybersecurity-advisories.xml", 10, 10),
        ("databreaches.xml", 10, 10),
        ("encoding.rss", 40, 40),
        ("heise.atom", 15, 15),
        ("jsonfeed_spec_1.json", 1, 1),
        ("missing-fields.atom", 1, 0),
        ("proofpoint.xml", 10, 10),
        ("rss_1.0_iso8859.xml", 1, 1),
        ("rss_2.0_cloudflare.xml", 1, 1),
        ("securityweek.xml", 10, 10),
    ],
)
def test_the_recorded_feeds_give_all_their_entries(name, entries, dated):
    feed = read_feed((require_data() / "rss" / name).read_bytes(), URL)
    assert len(feed.items) == entries
    assert sum(item.published is not None for item in feed.items) == dated
    assert len({item.key for item in feed.items}) == entries
    for item in feed.items:
        assert item.url is None or item.url.startswith(("https://", "http://"))
        assert "<" not in item.title + item.summary
        assert len(item.summary) <= SUMMARY_LIMIT


@pytest.mark.data
@pytest.mark.parametrize("name", ["incomplete-fields.atom", "rss_2.0_invalid_1.xml", "unrecognized.rss"])
def test_the_recorded_files_without_entries_say_so(name):
    with pytest.raises(NetworkError) as caught:
        read_feed((require_data() / "rss" / name).read_bytes(), URL)
    assert "no entries" in caught.value.message or "not a feed" in caught.value.message


@pytest.mark.data
def test_dates_without_a_zone_and_ids_deep_in_a_text_are_found():
    data = require_data() / "rss"
    proofpoint = read_feed((data / "proofpoint.xml").read_bytes(), URL)
    assert proofpoint.items[0].published == datetime(2025, 7, 2, 13, 14, 54, tzinfo=UTC)
    crowdstrike = read_feed((data / "crowdstrike.xml").read_bytes(), URL)
    assert crowdstrike.items[0].published == datetime(2025, 7, 23, 5, tzinfo=UTC)
    assert crowdstrike.title == "Blog (crowdstrike.com)"
    advisories = read_feed((data / "cybersecurity-advisories.xml").read_bytes(), URL)
    assert any(item.ids for item in advisories.items)


def test_a_body_that_names_a_file_is_not_opened(tmp_path):
    secret = tmp_path / "rss"
    secret.write_bytes(rss("<item><title>secret</title></item>"))
    with pytest.raises(NetworkError):
        read_feed(str(secret).encode(), URL)


def test_an_outer_entity_is_not_resolved(tmp_path):
    (tmp_path / "secret").write_text("do-not-read")
    head = f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'.encode()
    item = only(head + rss("<item><title>T &x;</title><link>https://a.example/</link></item>"))
    assert "do-not-read" not in item.title


def test_links_are_absolute_without_tracking_and_of_the_web_only():
    item = only(rss("<item><title>T</title><link>/a?utm_source=x&amp;id=1</link></item>"))
    assert item.url == "https://news.example/a?id=1"
    item = only(rss("<item><title>T</title><link>javascript:alert(1)</link></item>"))
    assert item.url is None


def test_the_key_is_the_link_or_the_id_or_the_title():
    link = only(rss("<item><title>T</title><link>https://a.example/x</link><guid>1</guid></item>"))
    same = only(rss("<item><title>Else</title><link>http://www.a.example/x/?utm_medium=rss</link></item>"))
    assert link.key == same.key
    by_id = only(rss('<item><title>T</title><guid isPermaLink="false">1</guid></item>'))
    by_title = only(rss("<item><title>T</title></item>"))
    assert len({link.key, by_id.key, by_title.key}) == 3


@pytest.mark.parametrize("guid", ["<guid>{0}</guid>", ""], ids=["with ids", "without"])
def test_several_things_on_one_page_are_several_items(guid):
    """As cloud providers publish: one page of bulletins, each at a place of it."""
    entry = "<item><title>Bulletin {0}</title><link>https://a.example/bulletins#b-{0}</link>" + guid + "</item>"
    bulletins = [entry.format(number) for number in range(5)]
    first, later = (read_feed(rss(*entries), URL).items for entries in (bulletins, [entry.format(7), *bulletins]))
    assert len({item.key for item in first}) == 5
    assert [item.key for item in later[1:]] == [item.key for item in first]
    again = entry.format(1)
    assert len({item.key for item in read_feed(rss(again, again), URL).items}) == 1


def test_markup_is_gone_from_all_texts():
    description = "&lt;p&gt;One&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;b onclick=x&gt;two&lt;/b&gt;"
    title = "A &amp;lt;b&amp;gt;bold&amp;lt;/b&amp;gt; T"
    item = only(rss(f"<item><title>{title}</title><description>{description}</description></item>"))
    assert (item.title, item.summary) == ("A bold T", "One two")


def test_an_empty_feed_is_well_and_an_empty_entry_is_left_out():
    assert read_feed(rss(), URL).items == ()
    feed = read_feed(rss("<item></item>", "<item><title>T</title></item>"), URL)
    assert (len(feed.items), feed.skipped) == (1, 1)


def test_a_feed_without_end_of_entries_is_cut():
    assert len(read_feed(rss(*(f"<item><title>T{n}</title></item>" for n in range(900))), URL).items) == MOST_ENTRIES


def test_json_feed_is_read():
    body = (
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": ['
        b'{"id": "1", "title": "CVE-2026-1234 &amp; more", "url": "https://a.example/1", "authors": [{"name": "Ann"}],'
        b' "date_published": "2026-07-15T10:00:00+02:00", "content_html": "<p>Text</p>"}, 7, {}]}'
    )
    feed = read_feed(body, URL)
    item = feed.items[0]
    assert (feed.title, feed.skipped, len(feed.items)) == ("J", 2, 1)
    assert (item.title, item.author, item.ids, item.summary) == (
        "CVE-2026-1234 & more",
        "Ann",
        ("CVE-2026-1234",),
        "Text",
    )
    assert item.published == datetime(2026, 7, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!doctype html><html>", "a web page, not a feed"),
        (b'{"items": []}', "JSON that is no feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 5}', "JSON that is no feed"),
        (b'{"version"', "damaged or cut off"),
        (b"\x00" * 1000, "no feed"),
        (b"", "no feed"),
        (b"<" * 100_000, "no feed"),
        (b"[1]", "no feed"),
    ],
)
def test_anything_else_is_no_feed(body, told):
    with pytest.raises(NetworkError) as caught:
        read_feed(body, URL)
    assert told in caught.value.message


def test_entities_that_multiply_stay_small():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]>'.encode()
    item = only(head + rss("<item><title>&l9;</title><link>https://a.example/</link></item>"))
    assert len(item.title) <= 300


@pytest.mark.parametrize("date", ["soon", "31 Feb 2025", ""])
def test_a_date_that_is_none_leaves_the_item_without_one(date):
    assert only(rss(f"<item><title>T</title><pubDate>{date}</pubDate></item>")).published is None


@pytest.mark.parametrize("link", ["http://a.example:99999/x", "http://a.example:port/x", "http://[::1/x"])
def test_an_address_that_is_none_costs_its_entry_the_link_and_nobody_else_anything(link):
    first, second = read_feed(
        rss(f"<item><title>One</title><link>{link}</link></item>", "<item><title>Two</title></item>"), URL
    ).items
    assert (first.title, first.url, second.title) == ("One", None, "Two")


@pytest.mark.parametrize("number", ["55296", "xDFFF", "x110000", "99999999999"])
def test_a_character_that_is_none_does_not_spoil_a_feed_that_is_no_xml(number):
    item = only(f'<rss version="2.0"><channel><item><title>A & B &#{number}; C</title></item>'.encode())
    assert item.title == "A & B \ufffd C"


def test_whatever_a_parser_raises_is_told_as_a_damaged_feed(monkeypatch):
    def fails(*_, **__):
        raise RecursionError("too deep for it")

    monkeypatch.setattr("feedparser.parse", fails)
    with pytest.raises(NetworkError) as caught:
        read_feed(rss("<item><title>T</title></item>"), URL)
    assert caught.value.message == "The feed cannot be read: it is damaged."
