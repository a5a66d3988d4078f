"""How long a breaker stays open."""

import pytest

from backend.resilience.break_duration import BreakDuration


def test_breaks_are_alike_by_default():
    assert [BreakDuration(60).of(level) for level in range(3)] == [60, 60, 60]


def test_breaks_grow_up_to_the_cap():
    assert [BreakDuration(10, growth=2, cap=50).of(level) for level in range(4)] == [10, 20, 40, 50]


def test_jitter_adds_a_share_at_random():
    assert BreakDuration(10, jitter=0.5, random=lambda: 0.0).of(0) == 10
    assert BreakDuration(10, jitter=0.5, random=lambda: 0.5).of(0) == 12.5


def test_a_very_long_outage_does_not_overflow():
    assert BreakDuration(10, growth=2.0, cap=300).of(100_000) == 300


@pytest.mark.parametrize("given", [{"seconds": -1}, {"growth": 0.5}, {"jitter": -0.1}])
def test_numbers_that_make_no_sense_are_refused(given):
    with pytest.raises(ValueError, match="a break needs"):
        BreakDuration(**given)


def test_the_smallest_numbers_are_taken():
    assert BreakDuration(0).of(5) == 0
    assert BreakDuration().of(0) == 60
