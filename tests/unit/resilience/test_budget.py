"""The retry budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.resilience import RetryBudget
from backend.resilience.testing import FakeClock


def test_a_share_of_the_calls(clock):
    budget = RetryBudget(0.2, 3, clock=clock)
    for _ in range(100):
        budget.note_call()
    assert budget.available == 20
    assert sum(budget.try_spend() for _ in range(50)) == 20
    assert budget.available == 0


def test_the_minimum_is_allowed_without_any_calls(clock):
    budget = RetryBudget(0.2, 3, clock=clock)
    assert [budget.try_spend() for _ in range(4)] == [True, True, True, False]


def test_calls_and_retries_leave_with_the_window(clock):
    budget = RetryBudget(0.5, 1, 10, clock=clock)
    for _ in range(10):
        budget.note_call()
    assert sum(budget.try_spend() for _ in range(9)) == 5
    clock.advance(11)
    assert budget.available == 1
    assert budget.try_spend()
    assert not budget.try_spend()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=200))
def test_retries_never_exceed_the_share_of_the_calls_in_the_window(steps):
    clock = FakeClock()
    budget = RetryBudget(0.2, 3, 20, clock=clock)
    calls, spent = [], []
    for is_call, wait in steps:
        clock.advance(wait / 2)
        now = int(clock.monotonic() / 2)
        if is_call:
            budget.note_call()
            calls.append(now)
        in_calls, in_spent = (sum(1 for at in kept if at > now - 10) for kept in (calls, spent))
        assert budget.available == max(0, int(max(3, 0.2 * in_calls)) - in_spent)
        allowed = budget.try_spend()
        assert allowed == (in_spent + 1 <= max(3, 0.2 * in_calls))
        if allowed:
            spent.append(now)
        assert len(budget._kept) <= 10, "a slice a row, and none for those that are over"


def test_no_part_of_a_retry_is_rounded_up(clock):
    budget = RetryBudget(0.2, 3, clock=clock)
    for _ in range(19):
        budget.note_call()
    assert budget.available == 3
    assert sum(budget.try_spend() for _ in range(9)) == 3, "four would be more than a fifth of nineteen"


def test_a_budget_of_nothing_allows_nothing(clock):
    budget = RetryBudget(0, 0, clock=clock, buckets=1)
    budget.note_call()
    assert not budget.try_spend()


@pytest.mark.parametrize("given_", [{"ratio": -1}, {"minimum": -1}, {"window_seconds": 0}, {"buckets": 0}])
def test_numbers_that_make_no_sense_are_refused(given_):
    with pytest.raises(ValueError, match="a retry budget needs"):
        RetryBudget(**given_)


def test_what_was_spent_in_the_first_slice_is_free_again_exactly_a_window_later(clock):
    budget = RetryBudget(0.2, 3, 60, clock=clock)
    assert budget.try_spend()
    clock.advance(59.9)
    assert budget.available == 2
    clock.advance(0.1)
    assert budget.available == 3


def test_retries_belong_to_the_slice_in_which_they_were_spent(clock):
    budget = RetryBudget(0.2, 3, 60, clock=clock)
    assert budget.try_spend()
    clock.advance(6)
    assert [budget.try_spend(), budget.try_spend(), budget.try_spend()] == [True, True, False]
    clock.advance(54)
    assert budget.available == 1


def test_what_is_left_is_never_less_than_nothing(clock):
    budget = RetryBudget(0.2, 3, 60, clock=clock)
    for _ in range(50):
        budget.note_call()
    clock.advance(30)
    assert sum(budget.try_spend() for _ in range(50)) == 10
    clock.advance(30)
    assert budget.available == 0


def test_a_ratio_above_one_and_a_minimum_of_nothing_are_fine(clock):
    budget = RetryBudget(2, 0, 0.5, buckets=1, clock=clock)
    assert not budget.try_spend()
    budget.note_call()
    assert [budget.try_spend() for _ in range(3)] == [True, True, False]
