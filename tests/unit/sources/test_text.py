"""Texts of strangers come out plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sources.text import from_html, plain, shorten


def test_plain_text_keeps_its_words_and_loses_what_nobody_sees():
    assert plain("  Fix\u200b the\u202e  <b>bug</b>\n\tnow\x00 \ud800", 100) == "Fix the <b>bug</b> now"


@pytest.mark.parametrize("value", [None, 7, ["a"], b"bytes"])
def test_what_is_no_text_is_empty(value):
    assert plain(value, 10) == ""
    assert from_html(value, 10) == ""


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("<p>One</p><p>two &amp; three</p>", "One two & three"),
        ("AT&amp;T &trade; 5 &lt; 6", "AT&T ™ 5 < 6"),
        ("<script>alert(1)</script>safe", "safe"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;safe", "safe"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;safe", "safe"),
        ("<style>p{}</style><!-- note -->x<br>y", "x y"),
        ("a <b>bold</b> claim", "a bold claim"),
    ],
)
def test_markup_is_taken_out_however_often_it_is_escaped(given_text, expected):
    assert from_html(given_text, 200) == expected


def test_half_a_character_is_left_out():
    assert from_html("<p>One\ud800 two</p>", 100) == "One two"


@given(st.text(alphabet="<>&;/ltgamp\"'=scripb !-#x0", max_size=200))
def test_no_tag_ever_comes_out(text):
    cleaned = from_html(text, 200)
    assert not any(f"<{mark}" in cleaned for mark in "/!?abcdefghijklmnopqrstuvwxyz")


@given(st.text(max_size=300), st.integers(2, 50))
def test_a_text_is_never_longer_than_asked(text, limit):
    assert len(plain(text, limit)) <= limit
    assert len(from_html(text, limit)) <= limit


def test_it_is_cut_between_words_and_shows_it():
    assert shorten("one two three four", 12) == "one two…"
    assert shorten("short", 12) == "short"
    assert shorten("abcdefghijklmnop", 8) == "abcdefg…"
