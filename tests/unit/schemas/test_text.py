"""Plain text: markup goes, everything a person means stays."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given

from backend.schemas.text import plain_text, single_line
from tests.unit.schemas.strategies import texts

TAG = re.compile(r"<[A-Za-z/!?]")


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("AT&T runs 5 < 6 & 7 > 2", "AT&T runs 5 < 6 & 7 > 2"),
        ("I <3 Zürich ☄", "I <3 Zürich ☄"),
        ("<b>bold</b> move", "bold move"),
        ("a<script>alert(1)</script>b", "ab"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;x", "x"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;x", "x"),
        ("<img src=x onerror=alert(1)>", ""),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("nul\x00 bell\x07 lone\ud800", "nul bell lone"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("e\u0301", "\u00e9"),
        ("  edges \n", "edges"),
    ],
)
def test_markup_goes_and_meaning_stays(given_text: str, expected: str) -> None:
    """Tags, scripts with their content, controls and direction marks go."""
    assert plain_text(given_text) == expected


def test_a_single_line_has_single_blanks() -> None:
    """For names and searches."""
    assert single_line(" a \n\n b\u2028c\t ") == "a b c"


def test_markup_hidden_deeper_than_anyone_means_leaves_no_tag() -> None:
    """Escaped ten times over: the cleaning ends, and no round of unescaping was forgotten."""
    text = "<b>x"
    for _ in range(10):
        text = text.replace("&", "&amp;").replace("<", "&lt;")
    assert not TAG.search(plain_text(text))


@given(texts)
def test_no_text_leaves_a_tag(text: str) -> None:
    """Whatever comes in."""
    cleaned = plain_text(text)
    assert not TAG.search(cleaned)
    cleaned.encode()


@given(texts)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """A record may pass the schema at the door and again at the use case."""
    assert plain_text(plain_text(text)) == plain_text(text)


@pytest.mark.parametrize("piece", ["<", "</", "<!--", "&lt;", "&", "&amp;", "<b></p>", "<a><b>", "<script>"])
def test_a_text_made_to_be_slow_costs_no_more_than_another_of_its_length(piece: str) -> None:
    """Cleaning runs on the event loop: what takes seconds here stops everybody."""
    text = (piece * 16_000)[:16_000]
    began = time.process_time()
    plain_text(text)
    assert time.process_time() - began < 0.5  # milliseconds; starting anew at each `<` takes a second and more
