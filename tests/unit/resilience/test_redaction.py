"""Secrets and personal data are taken out before anything is kept."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.resilience.redaction import REDACTED, is_secret_name, redact, redact_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("proxy-authorization=Digest username=x, response=6629fae49393", "6629fae49393"),
        ("sent bearer abcdef123456 to them", "abcdef123456"),
        (f"token was {JWT}", "dozjgNryP4J3jVmNHl0w5N"),
        (f"cut {JWT[:30]}", JWT[:30]),
        ("Cookie: session=abc123; theme=dark", "abc123"),
        ("postgres://admin:hunter2@db.local/x refused", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("https://x.test/feed?token=hunter2&page=2", "hunter2"),
        ("https://x.test/feed?key=hunter2", "hunter2"),
        ("https://x.test/feed?page=2&api_key=hunter2", "hunter2"),
        ("https://x.test/?sig=hunter2&se=2026", "hunter2"),
        ("https://x.test/?client_secret=hunter2", "hunter2"),
        ("password=hunter2", "hunter2"),
        ('{"password": "hunter2 with \\" blanks"}', "blanks"),
        ("password: 'hunter2 with blanks'", "blanks"),
        ("DB_PASSWORD = hunter2", "hunter2"),
        ("X-Api-Key: hunter2", "hunter2"),
        ("access_token: hunter2", "hunter2"),
        ("pwd=hunter2", "hunter2"),
        ("key sk-proj-abcdefgh12345678 is wrong", "abcdefgh12345678"),
        ("xai-abcdefgh12345678", "abcdefgh12345678"),
        ("ghp_abcdefgh12345678", "abcdefgh12345678"),
        ("sb_secret_abcdefgh12345678", "abcdefgh12345678"),
        ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "SyA1234567890"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEA", "MIIEow"),
        ("mail to jane.doe+x@example.co.uk failed", "jane.doe"),
        ('Authorization: Digest username="Mufasa", response="6629fae49393"', "6629fae49393"),
        ('{"Authorization": "Token token=\\"abc123\\""}', "abc123"),
        ("Authorization: Token token='abc123', nonce=1", "abc123"),
        ('Cookie: theme="dark"; session="abc123"', "abc123"),
        ("https://tok123456@git.example/x", "tok123456"),
        ("postgres://admin:hun@ter2@db/x", "ter2"),
        ("postgres://admin:hun/ter2@db/x", "ter2"),
        ("postgres://admin:8080hunter2@db", "hunter2"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nMIIEow\n-----END PGP PRIVATE KEY BLOCK-----", "MIIEow"),
        ("session_id=abc123", "abc123"),
        ("SMTP_PASS=hunter2", "hunter2"),
        ('{"pass": "hunter2"}', "hunter2"),
        ("jwt: abc123", "abc123"),
        ("auth=abc123", "abc123"),
        ("the API key: hunter2", "hunter2"),
        ('"password"=>"hunter2 x"', "hunter2 x"),
        ("client_secret%3Dhunter2", "hunter2"),
        ("https://x.test/?X-Amz-Signature=hunter2", "hunter2"),
        ("ghu_abcdefgh12345678", "abcdefgh12345678"),
        ("hf_abcdefgh12345678", "abcdefgh12345678"),
        ("npm_abcdefgh12345678", "abcdefgh12345678"),
        ("dckr_pat_abcdefgh12345678", "abcdefgh12345678"),
        ("ya29.abcdefgh12345678", "abcdefgh12345678"),
        ("SG.abcdefgh12345678.abcdefgh12345678", "abcdefgh12345678"),
    ],
)
def test_a_secret_is_gone(text, secret):
    shown = redact_text(text)
    assert secret not in shown
    assert REDACTED in shown or "[email]" in shown


@pytest.mark.parametrize(
    "text",
    [
        "KeyError: 'threats'",
        "the key is missing",
        "monkey: banana",
        "max_tokens=600 total_tokens: 1234",
        "https://www.cisa.gov/known-exploited-vulnerabilities?page=2",
        "connection to 10.0.0.7:6379 refused at 2026-07-15T12:00:00",
        "CVE-2026-1234 signature: Win32/Foo",
        "author: someone",
        "no bearer",
        "https://x.test/a:b@c is not a password... ok",
        "https://x.test:8080/a@b and https://x.test:8080?a@b",
        "12 passed, 3 sessions, authors: 4",
        "npm_config and hf_short",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert redact_text(text) == text


@pytest.mark.parametrize("text", ["x" * 5000, "word " * 5000])
def test_long_texts_are_cut(text):
    shown = redact_text(text, 100)
    assert len(shown) == 100
    assert shown.endswith("…")


def test_a_text_of_just_that_length_is_not():
    assert redact_text("x" * 100, 100) == "x" * 100


def test_numbers_stay_numbers_unless_json_does_not_know_them():
    assert redact([1.5, -0.0, 1e300, 7, float("inf")]) == [1.5, -0.0, 1e300, 7, "inf"]
    assert str(redact([True, False, None])) == "[True, False, None]"


def test_long_names_of_fields_are_cut():
    assert list(redact({"x" * 150: 1})) == ["x" * 99 + "…"]


def test_no_half_of_a_secret_is_left_over_at_the_cut():
    text = f"{JWT} " * 9 + "postgres://admin:hunter2hunter2@db"
    for limit in range(len(text) // 2 - 20, len(text) // 2):
        assert "hunter2" not in redact_text(text, limit)


PARTS = ["token", "a.", "a-", "=", "x@", "eyJ", "password:", "://", '"', "'", "Bearer "]


@given(st.sampled_from(PARTS), st.integers(1, 9))
def test_no_text_is_slow(part, times):
    started = time.perf_counter()
    redact_text((part * times + " " * (times % 2)) * 4000)
    assert time.perf_counter() - started < 5  # what backtracks takes minutes


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "api_key", "apiKey", "X-Api-Key", "token", "access_token"])
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["author", "max_tokens", "keyboard", "message", "status", "monkey"])
def test_names_of_other_things(name):
    assert not is_secret_name(name)


def test_fields_named_like_a_secret_are_taken_out_at_every_depth():
    given_ = {"user": "anna", "password": "hunter2", "nested": [{"token": "hunter2", "page": 2}], "key": None}
    assert redact(given_) == {
        "user": "anna",
        "password": REDACTED,
        "nested": [{"token": REDACTED, "page": 2}],
        "key": None,
    }


def test_a_quote_that_is_not_the_headers_own_ends_it():
    assert redact_text("{'Cookie': 'a=1', 'Accept': 'x'}") == "{'Cookie': '[redacted]', 'Accept': 'x'}"


@pytest.mark.parametrize("key", [b"x-api-key", "x-api-key"])
def test_headers_are_known_as_mappings_and_as_pairs_in_text_and_in_bytes(key):
    assert redact({key: b"hunter2"}) == {"x-api-key": REDACTED}
    assert redact([(key, b"hunter2"), (b"accept", b"x")]) == [["x-api-key", REDACTED], ["b'accept'", "b'x'"]]


def test_a_header_without_a_value_stays_so():
    assert redact([["token", ""], ["api_key", b""]]) == [["token", ""], ["api_key", REDACTED]]


def test_two_things_that_are_no_header_are_no_pair():
    assert redact([["key", 1], ["key"], ["a", "b"], ("token", "x", "y")]) == [
        ["key", 1],
        ["key"],
        ["a", "b"],
        ["token", "x", "y"],
    ]


def test_a_secret_may_be_of_a_kind_that_cannot_be_compared():
    class Column:
        def __eq__(self, other):
            raise TypeError("ambiguous")

        __hash__ = None

    assert redact({"password": Column(), "token": "", "secret": None, "pin": 0}) == {
        "password": REDACTED,
        "token": "",
        "secret": None,
        "pin": 0,
    }


def test_what_contains_itself_many_times_over_ends_after_500_items():
    loop: list[object] = []
    loop.extend([loop] * 50)
    shown = redact({"loop": loop, "after": 1}, depth=9)
    assert json.dumps(shown).count("[") + json.dumps(shown).count("…") < 1002
    assert list(shown) == ["loop", "after"]
    flat = redact([list(range(49)) for _ in range(50)])
    assert sum(map(len, flat)) == 450, "50 lists, and what is left for what is in them"


def test_numbers_that_not_every_reader_of_json_takes_are_texts():
    assert redact([2**63 - 1, -(2**63) + 1, 2**63, 10**5000]) == [2**63 - 1, -(2**63) + 1, str(2**63), "<int>"]


def test_names_that_are_no_text_are_shown():
    class Odd:
        def __str__(self):
            raise RuntimeError

    assert redact({Odd(): 1, 7: 2}) == {"<Odd>": 1, "7": 2}


def test_a_long_text_of_blanks_is_cut_too():
    assert redact_text(" " * 500, 100) == " " * 99 + "…"


def test_what_comes_out_is_bounded_and_ready_for_json():
    class Odd:
        def __str__(self):
            raise RuntimeError

    given_ = {"deep": [[[[[1]]]]], "many": list(range(100)), "odd": Odd(), "nan": float("nan"), 7: {1, 2}, "b": b"x"}
    shown = redact(given_)
    json.dumps(shown, allow_nan=False)
    assert shown["deep"] == [[["…"]]]
    assert len(shown["many"]) == 50
    assert (shown["odd"], shown["nan"], shown["7"]) == ("<Odd>", "nan", [1, 2])


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_anything_can_be_redacted(value):
    json.dumps(redact(value), allow_nan=False)


def test_of_a_text_beyond_twice_the_limit_only_whole_words_before_it_are_searched():
    secret = "token=" + "x" * 180  # 186 characters that become 16
    assert redact_text(f"{secret} one two thre", 100) == "token=[redacted] one two thre", "199 characters"
    assert redact_text(f"{secret} one two three", 100) == "token=[redacted] one two three", "200, just what is searched"
    assert redact_text(f"{secret} one two threes", 100) == "token=[redacted] one two", "201, cut after 200 at a blank"
    assert redact_text(f"{secret} one two three four five", 100) == "token=[redacted] one two"


def test_a_text_at_the_deepest_level_is_shown():
    assert redact(["text", ["deeper"]], depth=1) == ["text", "…"]
