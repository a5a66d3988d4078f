"""How much the aggregator keeps, to the character and to the second."""

import pytest

from backend.resilience import ErrorAggregator, ErrorRecorded, Listeners


@pytest.fixture
def errors(clock):
    return ErrorAggregator(clock=clock)


@pytest.mark.parametrize(("length", "kept"), [(499, 499), (500, 500), (501, 500), (600, 500)])
def test_messages_are_cut_at_500_characters(errors, length, kept):
    errors.record_error("down", "x" * length)
    assert len(errors.get_recent_errors()[0]["message"]) == kept


@pytest.mark.parametrize(("length", "kept"), [(100, 100), (101, 100)])
def test_types_are_cut_at_100_characters(errors, length, kept):
    errors.record_error("x" * length, "down")
    assert len(errors.get_recent_errors()[0]["type"]) == kept


@pytest.mark.parametrize(("length", "names"), [(1997, ["n"]), (1998, ["…"])])
def test_a_context_may_have_2000_characters_quotes_included(errors, length, names):
    errors.record_error("down", "x", {"n": ("word " * 400)[:length]})
    assert list(errors.get_recent_errors()[0]["context"]) == names


def test_after_the_first_field_that_does_not_fit_nothing_comes_any_more(errors):
    errors.record_error("down", "x", {"a": 1, "note": "word " * 399 + "word", "z": 1})
    assert errors.get_recent_errors()[0]["context"] == {"a": 1, "…": "more was left out"}


def test_a_window_shorter_than_a_minute_is_one(clock):
    errors = ErrorAggregator(0.5, clock=clock)
    errors.record_error("down", "x")
    clock.advance(29)
    assert errors.get_error_stats()["total_errors"] == 1
    clock.advance(1)
    assert errors.get_error_stats()["total_errors"] == 0


def test_a_limit_is_kept_and_one_below_nothing_is_nothing(errors, clock):
    for name in ("first", "second", "third"):
        errors.record_error(name, "x")
        clock.advance(1)
    assert [each["type"] for each in errors.get_recent_errors(2)] == ["third", "second"]
    assert [each["type"] for each in errors.get_groups(2)] == ["third", "second"]
    assert errors.get_recent_errors(-1) == errors.get_groups(-1) == []


def test_listeners_may_be_given(clock):
    told = []
    listeners = Listeners()
    errors = ErrorAggregator(clock=clock, listeners=listeners)
    assert errors.listeners is listeners
    listeners.subscribe(told.append, ErrorRecorded)
    errors.record_error("down", "x")
    assert len(told) == 1


@pytest.mark.parametrize(("window", "kept_minutes"), [(60, 240), (300, 300)])
def test_what_is_older_than_four_hours_or_the_window_is_thrown_away(clock, window, kept_minutes):
    errors = ErrorAggregator(window, clock=clock)
    for _ in range(100):
        errors.record_error("old", "x")
    clock.advance(kept_minutes * 60 - 1)
    errors.record_error("new", "x")
    assert errors.get_error_stats(100_000)["total_errors"] == 101
    clock.advance(1)
    errors.record_error("new", "x")
    assert errors.get_error_stats(100_000)["total_errors"] == 2


def test_the_series_of_another_window_has_its_times(errors, clock):
    clock.advance(600)
    errors.record_error("down", "x")
    clock.advance(100)
    series = errors.get_series(5, 5)
    assert [each["at"][11:19] for each in series] == ["00:07:40", "00:08:40", "00:09:40", "00:10:40", "00:11:40"]
    assert [each["count"] for each in series] == [0, 0, 0, 1, 0]
    assert len(errors.get_series()) == 60
    assert errors.get_series()[0]["at"][11:19] == "23:12:40", "a minute each, the first one 59 minutes ago"


def test_a_text_of_blanks_and_a_number_of_any_size_are_recorded(errors):
    errors.record_error("down", "\n" * 3000, {"n": 10**5000})
    assert errors.get_recent_errors()[0]["context"] == {"n": "<int>"}


def test_what_has_no_text_is_recorded_by_its_class(errors):
    class Odd:
        def __str__(self):
            raise RuntimeError

    errors.record_error(Odd(), Odd())
    assert (errors.get_recent_errors()[0]["type"], errors.get_recent_errors()[0]["message"]) == ("<Odd>", "<Odd>")
