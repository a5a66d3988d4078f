"""Counts over sliding windows: exact, then by the minute, in bounded memory."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from backend.resilience.error_counts import OTHER, ErrorCounts, Names
from backend.resilience.error_groups import ErrorGroups

STEP = st.tuples(st.floats(0, 400), st.sampled_from("abc"), st.sampled_from("xy"))
STEPS = st.lists(STEP, max_size=80)


@given(STEPS, st.floats(1, 3600))
def test_windows_are_exact(steps, window):
    counts, seen, now = ErrorCounts(3600), [], 1000.0
    for wait, kind, place in steps:
        now += wait
        counts.add(now, kind, place)
        seen.append((now, kind, place))
    since = now - window
    inside = [each for each in seen if each[0] > since]
    assert counts.total(since) == len(inside)
    assert counts.by_kind(since) == {kind: n for kind in "abc" if (n := sum(each[1] == kind for each in inside))}
    assert counts.by_place(since) == {place: n for place in "xy" if (n := sum(each[2] == place for each in inside))}


@given(st.lists(STEP, min_size=12, max_size=80))
def test_what_is_folded_away_is_still_counted(steps):
    counts, now = ErrorCounts(10**9, exact=10), 1000.0
    for wait, kind, place in steps:
        now += wait
        counts.add(now, kind, place)
    assert counts.total(0) == len(steps)
    assert counts.by_kind(0) == Counter(kind for _, kind, _ in steps)
    assert counts.by_place(0) == Counter(place for _, _, place in steps)
    assert len(counts._at) <= 10


def test_folded_errors_leave_the_window_by_the_minute():
    counts = ErrorCounts(3600, exact=10)
    for second in range(0, 600, 10):
        counts.add(second, f"minute {second // 60}", f"/{second // 60 % 2}")
    assert counts.total(-1) == 60
    assert counts.total(300) == 30, "300 s begins a minute: that one counts whole"
    assert counts.total(330) == 30
    assert counts.total(350) == 24, "the last error of that minute was at 350 s"
    assert counts.by_kind(350) == {f"minute {minute}": 6 for minute in (6, 7, 8, 9)}
    assert counts.by_place(349) == {"/0": 12, "/1": 18}
    assert counts.total(-1, 180) == 18


def test_one_more_than_is_kept_exactly_is_folded():
    counts = ErrorCounts(3600, exact=10)
    for second in range(10):
        counts.add(second, "a", "x")
    assert (len(counts._at), len(counts._minutes)) == (10, 0)
    counts.add(10, "a", "x")
    assert (len(counts._at), [row.total for row in counts._minutes]) == (10, [1])


def test_names_beyond_the_last_number_are_other():
    names = Names(2)
    assert [names.number(name) for name in ("a", "b", "c", "a", "d", OTHER)] == [1, 2, 0, 1, 0, 0]
    assert names.counted(Counter({1: 3, 0: 5})) == {OTHER: 5, "a": 3}


def test_what_is_older_than_is_kept_is_forgotten():
    counts = ErrorCounts(60)
    for second in range(1000):
        counts.add(second, "a", "x")
    assert len(counts._at) < 200
    folded = ErrorCounts(60, exact=10)
    for second in range(1000):
        folded.add(second, "a", "x")
    assert len(folded._minutes) <= 3


def test_names_that_are_too_many_count_as_other():
    counts = ErrorCounts(60, names=2)
    for name in "abcd":
        counts.add(1.0, name, "x")
    assert counts.by_kind(0) == {OTHER: 2, "a": 1, "b": 1}


def test_of_a_group_the_first_text_is_kept_in_short(clock):
    groups = ErrorGroups()
    groups.add("one", "X", "first " + "x" * 300, clock.now())
    groups.add("one", "X", "second", clock.now())
    (group,) = groups.newest(5)
    assert group.message == ("first " + "x" * 300)[:200]
    assert groups.newest(0) == groups.newest(-1) == []


def test_the_group_not_seen_for_longest_makes_room(clock):
    groups = ErrorGroups(2)
    for print_ in ("one", "two", "one", "three"):
        groups.add(print_, "X", "text", clock.now())
        clock.advance(1)
    assert [(group.fingerprint, group.count) for group in groups.newest(9)] == [("three", 1), ("one", 2)]


def counts(keep=14_400, **options):
    return ErrorCounts(keep, **options)


def test_few_that_are_kept_exactly_are_folded_one_by_one():
    made = counts(exact=5)
    for at in range(20):
        made.add(float(at), "kind", "place")
        assert len(made._at) == min(at + 1, 5)
    assert made.total(-1) == 20


def test_many_are_folded_a_tenth_at_a_time():
    made = counts(exact=100)
    for at in range(101):
        made.add(float(at), "kind", "place")
    assert len(made._at) == 91


def test_a_row_is_a_minute():
    made = counts(exact=1)
    for at in (0.0, 59.5, 60.0, 119.0, 120.0, 121.0):
        made.add(at, "kind", "place")
    assert [(row.last, row.total) for row in made._minutes] == [(59.5, 2), (119.0, 2), (120.0, 1)]


def test_a_window_begins_after_its_first_moment():
    made = counts(exact=1)
    for at in (10.0, 10.0, 70.0):
        made.add(at, "kind", "place")
    assert made.total(10.0) == 1
    assert (made.by_kind(10.0), made.by_place(10.0)) == ({"kind": 1}, {"place": 1})
    assert (made.by_kind(9.9), made.by_place(9.9)) == ({"kind": 3}, {"place": 3})


def test_rows_that_are_too_old_are_thrown_away():
    made = counts(keep=600, exact=1)
    for minute in range(60):
        made.add(minute * 60.0, "kind", "place")
    assert len(made._minutes) == 9, "ten minutes back, the newest one is kept exactly"


def test_names_that_are_too_many_add_up_when_they_are_restored():
    full = counts(exact=1, names=9)
    for name in ("a", "b", "c", "c"):
        full.add(0.0, name, name)
    small = counts(exact=1, names=1)
    small.restore(full.snapshot(0), 0, 0)
    assert small.by_kind(-1) == {"other": 3, "a": 1}
    assert small.by_place(-1) == {"other": 3, "a": 1}
