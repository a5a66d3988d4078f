"""Ids and links have one form."""

import pytest

from backend.sources.identifiers import ids_in, record_id
from backend.sources.links import link_key, text_key, web_link


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" cve-2026-46817 ", "CVE-2026-46817"),
        ("DEMO-2026-0001", "DEMO-2026-0001"),
        ("CVE-2026-1", None),
        ("46817", None),
        (None, None),
        (7, None),
    ],
)
def test_an_id_of_a_record(value, expected):
    assert record_id(value) == expected


def test_ids_in_a_text_are_found_once_with_any_dash():
    text = "cve-2025-53770, CVE\u20112025\u201149706 and (CVE-2025-53770); not CVE-2025-1 nor XCVE-2025-1111"
    assert ids_in(text) == ("CVE-2025-53770", "CVE-2025-49706")


def test_a_text_full_of_ids_is_bounded():
    assert len(ids_in(" ".join(f"CVE-2025-{number}" for number in range(1000, 2000)))) == 50


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://A.example/x?utm_source=rss&b=2&pk_kwd=y#part", "https://a.example/x?b=2"),
        ("/blog/one", "https://base.example/blog/one"),
        ("http://a.example", "http://a.example/"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("ftp://a.example/x", None),
        ("tag:github.com,2008:Repository/1", None),
        ("https://user:secret@a.example/", None),
        ("https://[broken", None),
        ("http://" + "a" * 3000, None),
        ("", None),
        (None, None),
    ],
)
def test_only_links_that_a_browser_may_follow(given, expected):
    assert web_link(given, "https://base.example/feed.xml") == expected


def test_the_same_page_has_one_key():
    keys = {
        link_key(link)
        for link in (
            "https://www.a.example/story/",
            "http://a.example/story",
            "https://a.example:443/story",
        )
    }
    assert len(keys) == 1
    assert link_key("https://a.example/story?id=2") not in keys
    assert text_key("a", "b") != text_key("ab")
