"""What the other side asked for."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from backend.errors import DatabaseError, NetworkError
from backend.resilience.retry_after import asked_wait, parse_retry_after

NOW = datetime(2026, 7, 15, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (120, 120),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("Wed, 15 Jul 2026 12:00:30 GMT", 30),
        ("Wed, 15 Jul 2026 11:00:00 GMT", 0),
        ("Wednesday, 15-Jul-26 12:01:00 GMT", 60),
        ("Wed Jul 15 12:02:00 2026", 120),
        ("Wed, 15 Jul 2026 14:01:00 +0200", 60),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e9", 31_536_000),
        (10**400, 31_536_000),
        ("9" * 400, 31_536_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 31_536_000),
        (-(10**400), None),
        (float("inf"), None),
        (None, None),
        (True, None),
    ],
)
def test_seconds_and_http_dates_are_understood_and_nonsense_says_nothing(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


def test_of_our_errors_only_what_was_given_counts():
    assert asked_wait(NetworkError("x"), NOW) is None, "the class's own 30 s are for people to read"
    assert asked_wait(NetworkError("x", retry_after=7), NOW) == 7
    assert asked_wait(DatabaseError("x", retry_after=30), NOW) == 30


def test_of_other_errors_the_attribute_and_the_header_count():
    error = ValueError("x")
    assert asked_wait(error, NOW) is None
    error.response = SimpleNamespace(headers={"Retry-After": "9"})
    assert asked_wait(error, NOW) == 9
    error.retry_after = 4
    assert asked_wait(error, NOW) == 4


def test_a_negative_wait_says_nothing(clock):
    assert parse_retry_after("-0.5", clock.now()) is None
    assert parse_retry_after(0, clock.now()) == 0
