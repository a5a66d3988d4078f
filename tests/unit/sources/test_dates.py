"""Dates in the forms that sources use."""

from datetime import UTC, datetime

import pytest

from backend.sources.dates import day, moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-15", "2026-07-15"),
        (" 2026-07-15 ", "2026-07-15"),
        ("2026-07-15T16:42:14.8261Z", "2026-07-15"),
        ("2026-13-45", None),
        ("", None),
        (None, None),
        (20260715, None),
    ],
)
def test_a_day(text, expected):
    assert day(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon, 21 Jul 2025 10:11:24 EDT", datetime(2025, 7, 21, 14, 11, 24, tzinfo=UTC)),
        ("Mon, 21 Jul 2025 10:11:24 PST", datetime(2025, 7, 21, 18, 11, 24, tzinfo=UTC)),
        ("Jul 23, 2025 00:00:00-0500", datetime(2025, 7, 23, 5, tzinfo=UTC)),
        ("02 Jul 2025 13:14:54", datetime(2025, 7, 2, 13, 14, 54, tzinfo=UTC)),
        ("2016-02-01T17:54:50+01:00", datetime(2016, 2, 1, 16, 54, 50, tzinfo=UTC)),
        ("Mon, 21 Jul 2025 10:11:24 XYZ", datetime(2025, 7, 21, 10, 11, 24, tzinfo=UTC)),
        ("2014-06-20T03:35:46.000Z", datetime(2014, 6, 20, 3, 35, 46, tzinfo=UTC)),
    ],
)
def test_a_moment_with_any_zone_or_none(text, expected):
    assert moment(text) == expected


@pytest.mark.parametrize(
    "text", ["10", "today", "13:14", "Tuesday", "", None, 7, "2025-99-99 in a year", "0001-01-01T00:00+14:00"]
)
def test_a_text_without_a_year_is_not_filled_up_from_today(text):
    assert moment(text) is None
