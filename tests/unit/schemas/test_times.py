"""Points in time in, one form of text out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.schemas.times import parse_utc, utc_iso


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T10:00:00Z",
        "2026-03-01T10:00:00z",
        "2026-03-01T10:00:00",
        "2026-03-01 10:00:00",
        "2026-03-01T10:00",
        "2026-03-01T10:00:00+00:00",
        "2026-03-01 10:00:00+00",
        "2026-03-01T12:00:00+02:00",
        "2026-03-01T12:00:00+0200",
        "2026-03-01T04:30:00-05:30",
        " 2026-03-01T10:00:00Z\n",
    ],
)
def test_every_common_form_is_read_as_utc(text: str) -> None:
    """Z, an offset, none; T or blank."""
    assert utc_iso(text) == "2026-03-01T10:00:00.000000+00:00"


@pytest.mark.parametrize("digits", range(1, 10))
def test_fractions_of_one_to_nine_digits_are_read(digits: int) -> None:
    """What is finer than a microsecond is cut off."""
    text = "123456789"[:digits]
    expected = text[:6].ljust(6, "0")
    assert utc_iso(f"2026-03-01T10:00:00.{text}Z") == f"2026-03-01T10:00:00.{expected}+00:00"


def test_datetimes_are_taken_as_they_are() -> None:
    """Naive ones count as UTC."""
    assert parse_utc(datetime(2026, 3, 1, 10)) == datetime(2026, 3, 1, 10, tzinfo=UTC)
    local = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert utc_iso(local) == "2026-03-01T10:00:00.000000+00:00"


@pytest.mark.parametrize(
    "value", ["", "Z", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 5, None, []]
)
def test_what_is_no_point_in_time_is_refused(value: object) -> None:
    """One error for all of it."""
    with pytest.raises(ValueError):  # noqa: PT011 - the reasons differ, the class does not
        parse_utc(value)  # type: ignore[arg-type]


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_the_order_as_text_is_the_order_in_time(one: datetime, other: datetime) -> None:
    """Databases that keep text sort by it."""
    try:
        texts = utc_iso(one), utc_iso(other)
    except ValueError:
        return  # outside the years 1 to 9999 in UTC
    assert (texts[0] < texts[1]) == (parse_utc(one) < parse_utc(other))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but ValueError, and what is read is stable."""
    try:
        written = utc_iso(text)
    except ValueError:
        return
    assert utc_iso(written) == written
