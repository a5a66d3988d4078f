"""What a worker counts, with what it hears of the others."""

import pytest

from backend.resilience import CountWindow, TimeWindow
from backend.resilience.fleet.windows import FleetConsecutive, MergedCountWindow, MergedTimeWindow, horizon_ms, merged
from backend.resilience.testing import FakeClock
from backend.resilience.window import Consecutive


class Notes:
    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1


@pytest.fixture
def note():
    return Notes()


@pytest.fixture
def row(note):
    return FleetConsecutive(3, note)


def others(failures, calls=None, slow=0, run=0):
    return {"run": run, "others": {"failures": failures, "calls": failures if calls is None else calls, "slow": slow}}


def everyone(failures):
    return {"failures": failures, "calls": failures, "slow": 0}


# In a row


def test_own_failures_open_as_they_would_alone(row):
    assert [row.record(True, False) for _ in range(3)] == [False, False, True]


def test_failures_of_others_are_shown_but_open_nothing_here(row):
    row.told(row.mark(), others(2))
    assert row.failures == 2
    assert not row.record(True, False)
    assert (row.failures, row.own) == (3, 1)


def test_a_success_ends_the_run_and_is_told_once(row, note):
    row.record(True, False)
    assert note.count == 1
    row.record(False, False)
    assert (row.failures, note.count) == (0, 2)
    assert row.bucket() == {"calls": 0, "failures": 0, "slow": 0, "fresh": 0, "run": 0, "succeeded": True}
    row.told(row.mark(), others(0, run=1))
    assert row.bucket() is None


def test_a_success_among_successes_is_not_told(row, note):
    assert row.record(False, False) is False
    assert (note.count, row.bucket()) == (0, None)


def test_a_success_that_is_made_while_the_last_was_told_is_told_too(row):
    row.record(True, False)
    mark = row.mark()
    row.record(False, False)
    row.told(mark, others(0))
    assert row.bucket()["succeeded"] is True


def test_what_the_server_knows_is_not_fresh_any_more(row):
    row.record(True, False)
    row.told(row.mark(), others(0))
    row.record(True, False)
    bucket = row.bucket()
    assert (bucket["calls"], bucket["failures"], bucket["fresh"]) == (2, 2, 1)


def test_a_message_that_a_run_has_ended_leaves_only_what_it_did_not_know(row):
    row.record(True, False)
    row.told(row.mark(), others(1))
    row.record(True, False)
    assert row.heard(1, everyone(0)) is False
    assert (row.failures, row.bucket()["failures"], row.bucket()["run"]) == (2, 1, 1)


def test_a_message_of_an_older_run_is_passed_over(row):
    row.heard(2, everyone(1))
    row.heard(1, everyone(5))
    assert row.failures == 1


def test_a_message_about_all_is_without_ones_own_part_of_it(row):
    row.record(True, False)
    row.told(row.mark(), others(0))
    row.heard(0, everyone(4))
    assert (row.others, row.failures) == (3, 4)
    row.heard(0, everyone(0))
    assert (row.others, row.failures) == (0, 1)


def test_a_reply_of_a_newer_run_took_in_only_what_was_fresh(row):
    row.record(True, False)
    row.told(row.mark(), others(0))
    row.record(True, False)
    row.told(row.mark(), others(0, run=1))
    bucket = row.bucket()
    assert (bucket["failures"], bucket["fresh"], bucket["run"]) == (1, 0, 1)


def test_a_reply_that_a_message_has_overtaken_belongs_to_the_run_that_is_over(row):
    row.record(True, False)
    mark = row.mark()
    row.heard(1, everyone(0))
    row.told(mark, others(0, run=0))
    bucket = row.bucket()
    assert (bucket["failures"], bucket["fresh"], bucket["run"]) == (0, 0, 1)


def test_alone_only_ones_own_count(row):
    row.record(True, False)
    row.told(row.mark(), others(1))
    row.forget_others()
    assert row.failures == 1


def test_a_fresh_window_knows_nothing_and_has_the_same_threshold(row, note):
    row.record(True, False)
    fresh = row.fresh()
    assert (fresh.failures, fresh.threshold, fresh.limits()) == (0, 3, {"threshold": 3})
    fresh.record(True, False)
    assert note.count == 2


# Rates


@pytest.fixture
def rates(note):
    return MergedCountWindow(CountWindow(10, 0.5, slow_seconds=2.0, slow_rate=0.8, minimum_calls=4), note)


def test_alone_it_opens_as_one_process_does(rates):
    alone = CountWindow(10, 0.5, slow_seconds=2.0, slow_rate=0.8, minimum_calls=4)
    calls = [(False, False), (True, False), (False, True), (True, True), (False, True), (False, True)] * 3
    assert [rates.record(*call) for call in calls] == [alone.record(*call) for call in calls]


def test_calls_of_others_make_up_the_minimum_and_the_rate(rates):
    rates.told(rates.mark(), others(1, calls=2))
    assert not rates.record(False, False), "three calls"
    assert rates.record(True, False), "two of four"
    assert (rates.failures, rates.stats().calls) == (2, 4)


def test_an_own_success_can_be_the_call_that_makes_up_the_minimum(rates):
    rates.told(rates.mark(), others(3, calls=3))
    assert rates.record(False, False)


def test_slow_calls_of_all_count_together(rates):
    rates.told(rates.mark(), others(0, calls=4, slow=4))
    assert rates.record(False, True)
    rates.told(rates.mark(), others(0, calls=9, slow=4))
    assert not rates.record(False, False)


def test_slow_calls_count_only_where_a_limit_is_set(note):
    window = MergedCountWindow(CountWindow(10, 0.5, minimum_calls=1), note)
    window.told(window.mark(), others(0, calls=4, slow=4))
    assert not window.record(False, True)
    assert window.limits() == {"minimum_calls": 1, "failure_rate": 0.5}


def test_a_failure_is_told_soon_and_a_success_is_not(rates, note):
    rates.record(False, False)
    assert note.count == 0
    rates.record(True, False)
    assert note.count == 1
    rates.record(False, True)
    assert note.count == 2
    assert rates.bucket() == {"calls": 3, "failures": 1, "slow": 1}
    rates.record(False, False)
    assert note.count == 2


def test_what_has_been_told_by_a_poll_is_not_news(rates, note):
    rates.record(True, False)
    rates.bucket()
    rates.record(False, False)
    assert note.count == 1


def test_that_a_window_has_run_empty_is_told_once(note):
    clock = FakeClock()
    window = MergedTimeWindow(TimeWindow(10, 0.5, minimum_calls=4, clock=clock), note)
    assert window.bucket() is None
    window.record(True, False)
    window.told(window.mark(), others(0))
    clock.advance(20)
    assert window.bucket() == {"calls": 0, "failures": 0, "slow": 0}
    window.told(window.mark(), others(0))
    assert window.bucket() is None
    assert (window.failures, window.stats().calls) == (0, 0)


def test_when_the_others_are_away_only_ones_own_count(rates):
    rates.told(rates.mark(), others(3, calls=3))
    rates.forget_others()
    assert not rates.record(True, False)
    assert rates.failures == 1


def test_any_message_about_rates_asks_for_ones_own(rates):
    assert rates.heard(0, everyone(1)) is True


@pytest.mark.parametrize(
    "like",
    [
        CountWindow(7, 0.3, slow_rate=0.4, slow_seconds=1.5, minimum_calls=3),
        TimeWindow(7.0, 0.3, slow_rate=0.4, slow_seconds=1.5, minimum_calls=3, buckets=9, clock=FakeClock()),
    ],
)
def test_a_merged_window_has_the_terms_of_the_one_it_is_like(like, note):
    window = merged(like, note)
    window.record(True, False)
    for each in (window, window.fresh()):
        terms = (each.failure_rate, each.slow_rate, each.slow_seconds, each.minimum_calls)
        assert terms == (0.3, 0.4, 1.5, 3)
        assert each.limits() == {"minimum_calls": 3, "failure_rate": 0.3, "slow_rate": 0.4}
        assert getattr(each, "size", 7) == 7
        assert getattr(each, "buckets", 9) == 9
    assert window.fresh().stats().calls == 0


def test_each_kind_of_window_is_merged_in_its_way(note):
    assert isinstance(merged(Consecutive(4), note), FleetConsecutive)
    assert merged(Consecutive(4), note).threshold == 4
    own = object()
    assert merged(own, note) is own


def test_a_bucket_counts_for_the_time_of_its_window_or_the_default(note):
    assert horizon_ms(MergedTimeWindow(TimeWindow(7.5), note), 600) == 7500
    assert horizon_ms(FleetConsecutive(3, note), 600) == 600_000


def test_a_failure_after_the_last_one_was_told_to_be_over_is_news_again(note):
    window = MergedCountWindow(CountWindow(2, 1.0, minimum_calls=2), note)
    for failed in (True, False, False):
        window.record(failed, False)
    assert window.bucket()["failures"] == 0
    window.record(True, False)
    assert note.count == 2
