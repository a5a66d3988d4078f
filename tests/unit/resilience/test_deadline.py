"""Deadlines."""

import contextvars

import pytest

from backend import runtime
from backend.errors import DeadlineExceededError
from backend.resilience import Deadline, current_deadline, deadline


def test_it_counts_down_to_nothing(clock):
    limit = Deadline(5, clock)
    clock.advance(3)
    assert limit.remaining() == 2
    assert not limit.expired
    assert repr(limit) == "<Deadline in 2.000 s>"
    clock.advance(3)
    assert limit.remaining() == 0
    assert limit.expired


def test_checking_it_names_what_was_being_done(clock):
    limit = Deadline(1, clock)
    limit.check("fetching")
    clock.advance(1)
    with pytest.raises(DeadlineExceededError, match="fetching: the deadline has passed") as caught:
        limit.check("fetching")
    assert isinstance(caught.value, TimeoutError)


def test_it_is_in_force_within_its_block_only(clock):
    assert current_deadline() is None
    with deadline(5, clock) as limit:
        assert current_deadline() is limit
    assert current_deadline() is None


def test_it_ends_with_an_error_too(clock):
    with pytest.raises(KeyError), deadline(5, clock):
        raise KeyError
    assert current_deadline() is None


def test_an_inner_one_can_only_shorten(clock):
    with deadline(5, clock) as outer:
        with deadline(10, clock) as inner:
            assert inner is outer
        with deadline(1, clock) as inner:
            assert inner.remaining() == 1
        with deadline(Deadline(2, clock)) as inner:
            assert inner.remaining() == 2
        with deadline(None) as inner:
            assert inner is outer


def test_what_is_spawned_has_none_unless_it_is_handed_one(clock):
    seen = []

    def part(limit):
        with deadline(limit):
            seen.append(current_deadline())

    with deadline(5, clock) as limit:
        tasks = [runtime.spawn(lambda: seen.append(current_deadline())), runtime.spawn(part, limit)]
        assert all(task.wait(5) for task in tasks)
        assert current_deadline() is limit
    assert seen == [None, limit]


def test_it_stays_out_of_other_contexts(clock):
    other = contextvars.copy_context()
    with deadline(5, clock):
        assert other.run(current_deadline) is None
