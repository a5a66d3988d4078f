"""A body is read as JSON or said to be what it is."""

import pytest

from backend.errors import NetworkError
from backend.sources.documents import expect_object, load_json, looks_like_web_page


def test_json_is_read_with_a_mark_and_blanks_before_it():
    assert load_json(b'\xef\xbb\xbf\n {"a": 1}\n') == {"a": 1}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!DOCTYPE html><html>", "The server answered with a web page, not JSON."),
        (b"  \n<html><body>Sign in", "The server answered with a web page, not JSON."),
        (b"", "The server answered with nothing."),
        (b" \n ", "The server answered with nothing."),
        (b'{"a": [1, 2', "The answer is not valid JSON: it is damaged or cut off."),
        (b'{"a": NaN}', "The answer is not valid JSON: it is damaged or cut off."),
        (b"\x00\x9c\xff", "The answer is not valid JSON: it is damaged or cut off."),
        (b"[" * 100_000, "The answer is not valid JSON: it is damaged or cut off."),
    ],
)
def test_anything_else_is_told(body, told):
    with pytest.raises(NetworkError) as caught:
        load_json(body)
    assert caught.value.message == told


def test_an_object_is_expected_by_name():
    assert expect_object({}, "a thing") == {}
    with pytest.raises(NetworkError) as caught:
        expect_object([], "a thing")
    assert caught.value.message == "The answer is JSON, but not a thing."


def test_a_feed_is_no_web_page():
    assert not looks_like_web_page(b'<?xml version="1.0"?><rss>')
    assert not looks_like_web_page(b'{"html": "<html>"}')
