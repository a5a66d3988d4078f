"""The error aggregator."""

import tracemalloc

import pytest

from backend.errors import NetworkError
from backend.resilience import ErrorAggregator, ErrorRecorded, error_aggregator
from backend.resilience.aggregator import is_recorded, mark_recorded
from backend.resilience.error_counts import ErrorCounts


@pytest.fixture
def errors(clock):
    return ErrorAggregator(clock=clock)


def test_five_errors_in_an_hour_are_0_083_a_minute(errors):
    for kind in ("grok_chat_failure",) * 3 + ("threat_feed_failure",) * 2:
        errors.record_error(kind, "Connection timeout", {"endpoint": "/api/chat"})
    assert errors.get_error_stats() == {
        "total_errors": 5,
        "errors_by_type": {"grok_chat_failure": 3, "threat_feed_failure": 2},
        "window_minutes": 60,
        "error_rate": 0.083,
    }


def test_without_errors_everything_is_zero(errors):
    assert errors.get_error_stats() == {
        "total_errors": 0,
        "errors_by_type": {},
        "window_minutes": 60,
        "error_rate": 0.0,
    }
    assert errors.get_recent_errors() == []


def test_the_window_slides_to_the_second(errors, clock):
    errors.record_error("a", "first")
    clock.advance(1)
    errors.record_error("a", "second")
    clock.advance(3599)
    assert errors.get_error_stats()["total_errors"] == 1
    assert [each["message"] for each in errors.get_recent_errors()] == ["second"]
    clock.advance(1)
    assert errors.get_error_stats()["total_errors"] == 0


def test_other_windows_may_be_asked_for(errors, clock):
    for _ in range(4):
        errors.record_error("a", "x")
        clock.advance(20 * 60)
    found = {minutes: errors.get_error_stats(minutes)["total_errors"] for minutes in (15, 30, 60, 240)}
    assert found == {15: 0, 30: 1, 60: 2, 240: 4}
    assert errors.get_error_stats(240)["window_minutes"] == 240


def test_recent_errors_are_newest_first_with_time_and_context(errors, clock):
    errors.record_error("a", "first", {"message_preview": "What are SQL injection risks?"})
    clock.advance(1)
    errors.record_error("b", "second")
    assert errors.get_recent_errors(1) == [
        {"timestamp": "2026-01-01T00:00:01+00:00", "type": "b", "message": "second", "context": {}}
    ]
    assert errors.get_recent_errors()[1]["context"] == {"message_preview": "What are SQL injection risks?"}
    assert errors.get_recent_errors(0) == errors.get_recent_errors(-1) == []


def test_errors_are_counted_by_endpoint_too(errors):
    errors.record_error("a", "x", {"endpoint": "/api/threats"})
    errors.record_error("b", "x", {"endpoint": "/api/threats"})
    errors.record_error("b", "x")
    assert errors.get_endpoint_stats() == {"/api/threats": 2, "unknown": 1}


def test_the_same_fault_is_one_group(errors, clock):
    errors.record_error("NetworkError", "timed out after 10 s")
    clock.advance(60)
    errors.record_error("NetworkError", "timed out after 2 s")
    errors.record_error("NetworkError", "refused")
    refused, timed_out = errors.get_groups()
    assert (refused["count"], refused["message"]) == (1, "refused")
    assert timed_out["count"] == 2
    assert (timed_out["first_seen"], timed_out["last_seen"]) == (
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:01:00+00:00",
    )


def test_the_series_for_a_graph_adds_up_to_the_total(errors, clock):
    for wait in (0, 600, 600, 1800):
        clock.advance(wait)
        errors.record_error("a", "x")
    series = errors.get_series(60, 6)
    assert [each["count"] for each in series] == [1, 1, 1, 0, 0, 1]
    assert series[-1]["at"] == clock.now().isoformat()
    assert len(series) == 6


def test_nothing_secret_is_kept(errors):
    errors.record_error("x", "redis://:hunter2@cache refused", {"token": "hunter2", "user": "anna@example.com"})
    told = []
    errors.listeners.subscribe(told.append)
    errors.record_error("x", "password=hunter2")
    assert "hunter2" not in str([errors.get_recent_errors(), errors.get_groups(), told])
    assert "anna@" not in str(errors.get_recent_errors())


def test_each_error_is_told_to_listeners(errors, clock):
    told = []
    errors.listeners.subscribe(told.append)
    errors.record_error("x", "refused", {"endpoint": "/"})
    event = told[0]
    assert isinstance(event, ErrorRecorded)
    assert (event.type, event.message, event.at, event.context) == ("x", "refused", clock.now(), {"endpoint": "/"})
    assert event.fingerprint.startswith("v1:")


def test_context_that_is_too_large_is_cut_to_its_first_fields(errors):
    errors.record_error("x", "y", {"endpoint": "/", **{f"field{number}": "long " * 100 for number in range(40)}})
    context = errors.get_recent_errors()[0]["context"]
    assert context["endpoint"] == "/"
    assert context["…"] == "more was left out"


def test_messages_need_not_be_texts(errors):
    errors.record_error("x", ValueError("as it is"))
    assert errors.get_recent_errors()[0]["message"] == "as it is"


def test_memory_does_not_grow_with_distinct_errors(clock, monkeypatch):
    """With the bounds reached early; bench/bench_kit.py measures the real ones at a million errors."""
    monkeypatch.setattr(ErrorCounts.__init__, "__defaults__", (500, 50))
    errors = ErrorAggregator(max_records=50, max_groups=50, clock=clock)

    def flood(start):
        for number in range(start, start + 2000):
            name = f"fault-{hex(number)}"
            errors.record_error(name, f"{name} happened", {"endpoint": f"/{name}", "note": "x" * 100})
            clock.advance(10)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    first, second = flood(0), flood(10_000)
    tracemalloc.stop()
    assert second < first * 1.1
    assert 1440 <= errors.get_error_stats(240)["total_errors"] <= 1446, "exact to the minute at the far edge"


def test_clearing_forgets_everything(errors):
    errors.record_error("x", "y")
    errors.clear()
    assert (errors.get_error_stats()["total_errors"], errors.get_recent_errors(), errors.get_groups()) == (0, [], [])


def test_a_window_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        ErrorAggregator(0)


@pytest.mark.parametrize("minutes", [0, -1])
def test_a_window_of_no_length_is_refused_where_it_is_asked_for(errors, minutes):
    """Not divided by."""
    for ask in (errors.get_error_stats, errors.get_endpoint_stats, errors.get_series):
        with pytest.raises(ValueError, match=f"{minutes}"):
            ask(minutes)


def test_a_graph_without_slices_is_refused(errors):
    """One slice is the least."""
    errors.record_error("feed", "down")
    assert [each["count"] for each in errors.get_series(buckets=1)] == [1]
    with pytest.raises(ValueError, match="in 0"):
        errors.get_series(buckets=0)


def test_an_error_can_be_marked_so_that_it_is_counted_once():
    error = NetworkError("x")
    assert not is_recorded(error)
    mark_recorded(error)
    assert is_recorded(error)


def test_there_is_one_for_the_whole_program():
    assert error_aggregator.window_minutes == 60
