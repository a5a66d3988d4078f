"""What other processes have recorded comes in through a seam; here a twin of it that knows two of them."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from backend.resilience import ErrorAggregator
from backend.resilience.shared_errors import merged_groups


class Others:
    """Errors of others by age in seconds, and what we have told them."""

    def __init__(self):
        self.ages = []
        self.told = []
        self.recents = []
        self.known = []
        self.asked = []

    def note(self, at, kind, text, *, place, fingerprint, context):
        self.told.append((at, kind, text, place, fingerprint, json.loads(context)))

    def counts(self, start, end=0.0):
        self.asked.append((start, end))
        within = [each for each in self.ages if end <= each[0] < start]
        return Counter(kind for _, kind, _ in within), Counter(place for _, _, place in within)

    def recent(self, seconds):
        self.asked.append(seconds)
        return list(self.recents)

    def groups(self):
        return list(self.known)


@pytest.fixture
def others():
    return Others()


@pytest.fixture
def errors(clock, others):
    clock.advance(3600)
    return ErrorAggregator(clock=clock, shared=others)


def test_each_error_is_told_to_the_others_redacted(errors, others, clock):
    errors.record_error("down", "password=hunter2hunter2", {"endpoint": "/api", "n": 1})
    errors.record_error("down", "again")
    (at, kind, text, place, print_, context), bare = others.told
    assert (at, kind, place, context) == (clock.now(), "down", "/api", {"endpoint": "/api", "n": 1})
    assert "hunter2" not in text
    assert print_.startswith("v1:")
    assert (bare[3], bare[5]) == ("unknown", {})


def test_totals_and_types_are_those_of_all(errors, others):
    errors.record_error("down", "x")
    others.ages = [(10, "down", "/a"), (10, "slow", "/a"), (10, "slow", "/a"), (14 * 60, "old", "/a")]
    stats = errors.get_error_stats(10)
    assert stats == {
        "total_errors": 4, "errors_by_type": {"down": 2, "slow": 2}, "window_minutes": 10, "error_rate": 0.4,
    }  # fmt: skip
    assert errors.get_error_stats()["total_errors"] == 5
    assert others.asked == [(600, 0), (3600, 0)]


def test_so_are_the_endpoints_the_most_first(errors, others):
    errors.record_error("down", "x", {"endpoint": "/a"})
    others.ages = [(10, "down", "/b"), (10, "down", "/b"), (1000, "down", "/b")]
    assert list(errors.get_endpoint_stats(10).items()) == [("/b", 2), ("/a", 1)]
    assert errors.get_endpoint_stats() == {"/b": 3, "/a": 1}
    assert others.asked == [(600, 0), (3600, 0)]


def test_recent_errors_of_all_are_in_their_order_up_to_the_limit(errors, others, clock):
    errors.record_error("ours", "first")
    clock.advance(20)
    errors.record_error("ours", "third")
    between = datetime(2026, 1, 1, 1, 0, 10, tzinfo=UTC).isoformat()
    others.recents = [{"timestamp": between, "type": "theirs", "message": "second", "context": {}}]
    assert [each["message"] for each in errors.get_recent_errors()] == ["third", "second", "first"]
    assert [each["message"] for each in errors.get_recent_errors(2)] == ["third", "second"]
    assert errors.get_recent_errors(0) == errors.get_recent_errors(-1) == []
    others.recents *= 2
    assert errors.get_recent_errors(-1) == []
    assert others.asked[0] == 3600


def test_groups_are_merged_and_the_limit_is_that_of_all_together(errors, others, clock):
    errors.record_error("down", "x")
    own = errors.get_groups()[0]
    others.known = [
        {**own, "count": 4, "first_seen": "2025-12-31T00:00:00+00:00", "last_seen": "2026-01-01T02:00:00+00:00"},
        {**own, "fingerprint": "v1:other", "last_seen": "2026-01-01T03:00:00+00:00"},
    ]
    newest, merged = errors.get_groups()
    assert newest["fingerprint"] == "v1:other"
    assert (merged["count"], merged["first_seen"], merged["last_seen"]) == (
        5, "2025-12-31T00:00:00+00:00", "2026-01-01T02:00:00+00:00",
    )  # fmt: skip
    assert errors.get_groups(1) == [newest]
    assert errors.get_groups(0) == errors.get_groups(-1) == []


def test_of_ones_own_groups_none_is_left_out_before_the_merge(errors, others, clock):
    for name in ("first", "second", "third"):
        errors.record_error(name, "x")
        clock.advance(1)
    first = next(each for each in errors.get_groups() if each["type"] == "first")
    others.known = [{**first, "last_seen": "2026-01-02T00:00:00+00:00"}]
    assert [(each["type"], each["count"]) for each in errors.get_groups(1)] == [("first", 2)]


def test_the_series_adds_theirs_slice_by_slice(errors, others, clock):
    errors.record_error("down", "x")
    others.ages = [(0, "a", "/"), (4.9, "a", "/"), (5, "b", "/"), (19, "c", "/"), (20, "gone", "/")]
    series = errors.get_series(1 / 3, 4)
    assert [each["count"] for each in series] == [1, 0, 1, 3]
    assert others.asked == [(20, 15), (15, 10), (10, 5), (5, 0)]


def test_merging_does_not_change_what_it_was_given():
    one = {"fingerprint": "a", "count": 1, "first_seen": "1", "last_seen": "1", "message": "old"}
    two = {"fingerprint": "a", "count": 2, "first_seen": "2", "last_seen": "3", "message": "new"}
    before = [dict(one), dict(two)]
    for given in ([one, two], [two, one]):
        assert merged_groups(given) == [
            {"fingerprint": "a", "count": 3, "first_seen": "1", "last_seen": "3", "message": "new"}
        ]
    assert [one, two] == before
    three = {**two, "fingerprint": "b", "last_seen": "2"}
    assert [each["fingerprint"] for each in merged_groups([three, two, one])] == ["a", "b"]
