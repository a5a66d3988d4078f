"""What a worker counts, number by number."""

import pytest

from backend.resilience import CountWindow
from backend.resilience.fleet.windows import FleetConsecutive, MergedCountWindow, MergedWindow
from backend.resilience.window import WindowStats


@pytest.fixture
def notes():
    return []


@pytest.fixture
def row(notes):
    return FleetConsecutive(3, lambda: notes.append("note"))


@pytest.fixture
def rates(notes):
    window = CountWindow(10, 0.5, slow_seconds=2.0, slow_rate=0.8, minimum_calls=4)
    return MergedCountWindow(window, lambda: notes.append("note"))


def reply(failures, *, calls=0, slow=0, run=0):
    return {"run": run, "others": {"calls": calls, "failures": failures, "slow": slow}}


def test_a_row_begins_with_nothing_of_anybody(row):
    assert (row.own, row.others, row.failures) == (0, 0, 0)
    assert row.mark() == (0, 0, 0)
    row.record(True, False)
    assert row.failures == 1
    assert row.bucket()["fresh"] == 1


def test_each_success_that_ends_a_run_is_counted(row):
    for successes in (1, 2):
        row.record(True, False)
        row.record(False, False)
        assert row.mark() == (0, successes, 0)


def test_a_message_of_the_present_or_of_a_newer_run_asks_for_nothing(row):
    assert row.heard(0, {"failures": 1}) is False
    assert row.heard(1, {"failures": 1}) is False
    assert row.heard(0, {"failures": 1}) is False


def test_of_what_was_told_only_the_present_runs_part_is_taken_off_a_message(row):
    row.record(True, False)
    row.record(True, False)
    row.told(row.mark(), reply(0))
    row.heard(1, {"failures": 2})
    assert row.others == 2, "both of ours belong to the run before"
    row.record(True, False)
    row.told(row.mark(), reply(2, run=1))
    row.heard(1, {"failures": 3})
    assert row.others == 2, "one of these three is ours"


def test_the_sums_of_rates_are_of_all(rates):
    rates.record(True, True)
    rates.record(False, True)
    rates.told(rates.mark(), reply(2, calls=6, slow=3))
    assert rates.stats() == WindowStats(8, 3, 5)
    rates.forget_others()
    assert rates.stats() == WindowStats(2, 1, 2)


def test_a_new_window_of_rates_is_empty_and_its_first_success_says_nothing(rates, notes):
    assert rates.stats() == WindowStats(0, 0, 0)
    rates.told(rates.mark(), reply(1, calls=1))
    rates.record(False, False)
    assert notes == [], "that nothing of ours has failed is known"
    rates.record(False, True)
    assert notes == ["note"]


@pytest.mark.parametrize(("failed", "slow"), [(1, 0), (0, 1)])
def test_a_single_bad_call_elsewhere_is_enough_to_look(notes, failed, slow):
    like = CountWindow(10, 0.5, slow_seconds=2.0, slow_rate=0.5, minimum_calls=2)
    window = MergedCountWindow(like, lambda: None)
    window.told(window.mark(), reply(failed, calls=1, slow=slow))
    assert window.record(False, False) is True


def test_a_window_that_cannot_say_what_is_its_own_is_no_window():
    with pytest.raises(NotImplementedError):
        MergedWindow._own(object.__new__(MergedWindow))
