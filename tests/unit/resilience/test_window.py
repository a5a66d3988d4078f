"""Windows: what a closed breaker counts, and when it is enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.resilience.testing import FakeClock
from backend.resilience.window import Consecutive, CountWindow, TimeWindow, WindowStats

CALLS = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60)


def test_failures_in_a_row_trip_at_the_threshold_and_a_success_starts_anew():
    window = Consecutive(3)
    assert [window.record(failed, False) for failed in (True, True, False, True, True, True)] == [False] * 5 + [True]
    assert window.stats() == WindowStats(3, 3, 0)
    assert window.fresh().failures == 0


@given(CALLS, st.integers(1, 20), st.sampled_from([0.1, 0.25, 0.5, 0.55, 1.0]), st.integers(1, 20))
def test_a_count_window_is_exactly_the_last_calls(calls, size, rate, minimum):
    window = CountWindow(size, rate, slow_rate=rate, slow_seconds=1, minimum_calls=minimum)
    seen = []
    for failed, slow in calls:
        tripped = window.record(failed, slow)
        seen.append((failed, slow))
        last = seen[-size:]
        failures, slows = sum(each[0] for each in last), sum(each[1] for each in last)
        assert window.stats() == WindowStats(len(last), failures, slows)
        assert window.failures == failures
        enough = len(last) >= min(minimum, size)
        assert tripped == (enough and (failures / len(last) >= rate or slows / len(last) >= rate))


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 40)), max_size=60), st.integers(1, 8))
def test_a_time_window_holds_the_calls_of_its_slices(calls, minimum):
    clock = FakeClock()
    window = TimeWindow(20, 0.5, slow_rate=0.75, slow_seconds=1, minimum_calls=minimum, buckets=10, clock=clock)
    seen = []
    for failed, slow, wait in calls:
        clock.advance(wait / 4)
        tripped = window.record(failed, slow)
        now = int(clock.monotonic() / 2)
        seen.append((now, failed, slow))
        kept = [each for each in seen if each[0] > now - 10]
        failures, slows = sum(each[1] for each in kept), sum(each[2] for each in kept)
        assert window.stats() == WindowStats(len(kept), failures, slows)
        assert tripped == (len(kept) >= minimum and (failures >= 0.5 * len(kept) or slows >= 0.75 * len(kept)))
        assert len(window._kept) <= 10, "a slice a row, and none for those that are over"


def test_a_time_window_forgets_without_being_called():
    clock = FakeClock()
    window = TimeWindow(10, minimum_calls=1, clock=clock)
    window.record(True, False)
    assert window.failures == 1
    clock.advance(10.1)
    assert window.stats() == WindowStats(0, 0, 0)
    window.record(True, False)
    clock.advance(10.1)
    assert window.failures == 0


def test_half_of_the_calls_failing_trips_where_failures_in_a_row_never_would():
    window = CountWindow(20, 0.5, minimum_calls=10)
    assert [window.record(number % 2 == 0, False) for number in range(10)].index(True) == 9


def test_slow_calls_trip_only_where_slowness_is_measured():
    slow = CountWindow(10, slow_rate=0.5, slow_seconds=1, minimum_calls=2)
    assert [slow.record(False, True) for _ in range(2)] == [False, True]
    unmeasured = CountWindow(10, slow_rate=0.5, minimum_calls=2)
    assert not any(unmeasured.record(False, True) for _ in range(10))


def test_a_rate_of_55_in_100_is_reached_by_55_in_100():
    window = CountWindow(100, 0.55, minimum_calls=100)
    outcomes = [window.record(number < 55, False) for number in range(100)]
    assert outcomes[-1]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Consecutive(0), "failure_threshold must be at least 1, not 0"),
        (lambda: CountWindow(0), "size must be at least 1, not 0"),
        (lambda: CountWindow(10, 0), "failure_rate must be above 0 and at most 1, not 0"),
        (lambda: CountWindow(10, 1.5), "failure_rate must be above 0 and at most 1, not 1.5"),
        (lambda: CountWindow(10, slow_rate=0), "slow_rate must be above 0"),
        (lambda: CountWindow(10, minimum_calls=0), "minimum_calls must be at least 1, not 0"),
        (lambda: TimeWindow(0), "a window of 0 s in 60 buckets holds nothing"),
        (lambda: TimeWindow(10, buckets=0), "a window of 10 s in 0 buckets holds nothing"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make, told):
    with pytest.raises(ValueError, match=told):
        make()


def test_the_smallest_windows_are_taken():
    assert Consecutive(1).record(True, False)
    assert CountWindow(1, 1.0, minimum_calls=1).record(True, False)
    clock = FakeClock()
    window = TimeWindow(0.5, minimum_calls=1, buckets=1, clock=clock)
    assert window.record(True, False)
    clock.advance(0.5)
    assert window.failures == 0


def test_only_the_sliding_windows_measure_durations():
    assert (Consecutive().slow_seconds, Consecutive().slow_rate) == (None, 1.0)


def test_fresh_windows_are_alike_and_empty():
    window = CountWindow(7, 0.3, slow_rate=0.4, slow_seconds=2, minimum_calls=3)
    window.record(True, True)
    again = window.fresh()
    assert again.stats() == WindowStats(0, 0, 0)
    assert (again.size, again.failure_rate, again.slow_rate, again.slow_seconds, again.minimum_calls) == (
        7,
        0.3,
        0.4,
        2,
        3,
    )
    clock = FakeClock()
    timed = TimeWindow(7, 0.3, slow_rate=0.4, slow_seconds=2, minimum_calls=3, buckets=5, clock=clock).fresh()
    assert (timed.seconds, timed.failure_rate, timed.slow_rate, timed.slow_seconds) == (7, 0.3, 0.4, 2)
    assert (timed.minimum_calls, timed.buckets) == (3, 5)


def test_rates_of_an_empty_window_are_zero():
    assert WindowStats(0, 0, 0).failure_rate == WindowStats(0, 0, 0).slow_rate == 0
    assert WindowStats(4, 1, 2).failure_rate == 0.25
    assert WindowStats(4, 1, 2).slow_rate == 0.5


def test_a_time_window_keeps_one_slice_for_all_calls_of_it(clock):
    window = TimeWindow(60, minimum_calls=1000, clock=clock)
    for _ in range(50):
        window.record(True, False)
    assert len(window._kept) == 1
    clock.advance(50)
    for _ in range(3):
        window.record(False, False)
    assert len(window._kept) == 2
    clock.advance(10)
    assert window.stats().calls == 3, "the fifty are gone, the three are not"
