"""The copy of what the others have on the board."""

import json

import pytest

from backend.resilience.fleet.others_errors import OthersErrors

MINUTE = 60_000


@pytest.fixture
def others():
    return OthersErrors("me")


def minute(number, worker="you", **kinds):
    return f"m:{number}:{worker}", json.dumps([kinds or {"a": 1}, {"/x": 1}])


def recent(slot, at, worker="you"):
    return f"r:{slot}:{worker}", json.dumps([at, "a", "text", '{"endpoint": "/x"}'])


def group(key, worker="you", count=1):
    content = {"type": "a", "message": "m", "count": count, "first_seen": "1", "last_seen": "2", "more": 3}
    return f"g:{key}:{worker}", json.dumps(content)


def test_a_minute_counts_where_it_ends_within_the_time_and_the_present_one_ends_now(others):
    others.read([minute(9), minute(10)], 10.5 * MINUTE)

    def counted(start, end):
        return others.counts(start, end, 10.5 * MINUTE)[0]["a"]

    assert counted(10 * MINUTE - 1, 10 * MINUTE) == 1
    assert counted(10 * MINUTE, 10.5 * MINUTE) == 1
    assert counted(10 * MINUTE, 10.5 * MINUTE - 1) == 0
    assert counted(9 * MINUTE, 11 * MINUTE) == 2


def test_workers_and_minutes_are_added_up_and_a_newer_note_takes_the_place_of_an_older_one(others):
    others.read([minute(9, a=1), minute(9, "her", a=2, b=1), minute(9, a=3), minute(9, "me", a=100)], 10 * MINUTE)
    kinds, places = others.counts(0, 10 * MINUTE, 10 * MINUTE)
    assert (kinds, places) == ({"a": 5, "b": 1}, {"/x": 2})


def test_minutes_are_kept_for_four_hours(others):
    others.read([minute(10), minute(11)], 250 * MINUTE)
    assert list(others._minutes) == [(10, "you"), (11, "you")]
    others.read([], 251 * MINUTE)
    assert list(others._minutes) == [(11, "you")]


def test_the_newest_errors_are_those_after_a_moment_and_none_of_ones_own(others):
    others.read([recent(0, "2026-01-01"), recent(1, "2026-01-02"), recent(2, "2026-01-03", "me")], 0)
    entry = {"timestamp": "2026-01-02", "type": "a", "message": "text", "context": {"endpoint": "/x"}}
    assert others.recent("2026-01-01") == [entry]


def test_a_group_shows_what_it_should_and_cannot_be_changed_by_who_reads_it(others):
    others.read([group("v1:abc", count=7)], 0)
    shown = {"fingerprint": "v1:abc", "type": "a", "message": "m", "count": 7, "first_seen": "1", "last_seen": "2"}
    assert others.groups() == [shown]
    others.groups()[0]["count"] = 0
    assert others.groups() == [shown]


def test_a_note_of_a_kind_that_nobody_knows_is_passed_over(others):
    others.read([("q:1:you", group("v1:abc")[1])], 0)
    assert (others.groups(), others.recent("")) == ([], [])


def test_memory_has_its_bounds_and_the_longest_unheard_of_leave_first(others):
    others.read([minute(number, f"w{worker}") for worker in range(100) for number in range(100)], 0)
    others.read([recent(number, str(number)) for number in range(500)], 0)
    others.read([group(f"v1:{number}") for number in range(2000)], 0)
    sizes = (len(others._minutes), len(others._recent), len(others._groups))
    assert sizes == (10_000, 500, 2000)
    others.read([recent(0, "again"), group("v1:0", count=2), minute(1, "new"), recent(500, "x"), group("v1:new")], 0)
    assert (len(others._minutes), len(others._recent), len(others._groups)) == sizes
    assert (0, "w0") not in others._minutes
    assert next(iter(others._recent)) == "2:you"
    assert list(others._groups)[-2:] == ["v1:0:you", "v1:new:you"]
