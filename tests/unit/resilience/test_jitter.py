"""How waits grow and how chance spreads them."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.resilience.jitter import waits


def first(count, *args, **kwargs):
    return list(islice(waits(*args, **kwargs), count))


def test_without_jitter_waits_double_up_to_the_longest():
    assert first(5, 1, 2, 5) == [1, 2, 4, 5, 5]


def test_a_factor_of_one_keeps_them_alike():
    assert first(3, 0.5, 1, 60) == [0.5, 0.5, 0.5]


@given(st.floats(0, 0.999))
def test_full_jitter_lies_between_nothing_and_the_wait(chance):
    assert first(3, 1, 2, 60, "full", lambda: chance) == [chance, 2 * chance, 4 * chance]


@given(st.floats(0, 0.999))
def test_equal_jitter_is_at_least_half_of_the_wait(chance):
    for wait, whole in zip(first(3, 1, 2, 60, "equal", lambda: chance), (1, 2, 4), strict=True):
        assert whole / 2 <= wait < whole


@given(st.floats(0, 0.999))
def test_decorrelated_jitter_lies_between_the_first_wait_and_three_times_the_one_before(chance):
    expected, before = [], 1.0
    for _ in range(6):
        before = min(30, 1 + chance * (before * 3 - 1))
        expected.append(before)
    assert first(6, 1, 2, 30, "decorrelated", lambda: chance) == pytest.approx(expected)


def test_full_jitter_by_chance_is_backoffs_own(monkeypatch):
    monkeypatch.setattr("backend.resilience.jitter.backoff.full_jitter", lambda wait: wait * 100)
    assert first(2, 1, 2, 60, "full") == [100, 200]


@pytest.mark.parametrize("jitter", ["none", "full", "equal", "decorrelated"])
def test_no_wait_is_longer_than_the_longest(jitter):
    assert all(wait <= 7 for wait in first(20, 1, 3, 7, jitter, lambda: 0.999))
