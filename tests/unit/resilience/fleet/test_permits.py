"""The permits that a worker holds, and what it knows of the others'."""

import pytest

from backend.resilience.fleet.permits import Permits
from backend.resilience.testing import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def permits(clock):
    return Permits(clock)


def test_a_permit_is_held_until_its_time_is_up(clock, permits):
    permits.granted(7, 2.0)
    clock.advance(1.9)
    assert permits.fences() == [7]
    clock.advance(0.1)
    assert permits.fences() == []


def test_the_newest_permit_is_given_back_first_and_each_only_once(permits):
    permits.granted(7, 2.0)
    permits.granted(8, 2.0)
    assert [permits.give_back() for _ in range(3)] == [8, 7, None]


def test_a_permit_whose_time_is_up_cannot_be_given_back(clock, permits):
    permits.granted(7, 2.0)
    clock.advance(2.0)
    assert permits.give_back() is None


def test_a_new_token_takes_the_time_of_the_old_one(clock, permits):
    permits.granted(7, 2.0)
    clock.advance(1.0)
    permits.replace(7, 1)
    assert permits.fences() == [1]
    clock.advance(1.0)
    assert permits.fences() == []


def test_a_token_that_is_not_held_is_not_replaced(permits):
    permits.replace(7, 1)
    assert permits.fences() == []


def test_renewal_is_wanted_three_times_in_a_lease_and_not_more_often(clock, permits):
    permits.granted(7, 3.0)
    assert not permits.want_renewal()
    clock.advance(0.9)
    assert not permits.want_renewal()
    clock.advance(0.1)
    assert permits.want_renewal()
    assert not permits.want_renewal()
    clock.advance(1.0)
    assert permits.want_renewal()


def test_nobody_who_holds_nothing_wants_a_renewal(clock, permits):
    clock.advance(100)
    assert not permits.want_renewal()
    assert permits.renewals(poll=False) == {}
    assert permits.renewals(poll=True) == {}


def test_a_wanted_renewal_is_for_the_whole_time_again_and_asked_for_once(clock, permits):
    permits.granted(7, 3.0)
    clock.advance(1.0)
    permits.want_renewal()
    assert permits.renewals(poll=False) == {7: 3000}
    assert permits.renewals(poll=False) == {}
    clock.advance(2.9)
    assert permits.fences() == [7]
    clock.advance(0.1)
    assert permits.fences() == []


def test_a_poll_asks_for_what_is_left_and_prolongs_nothing(clock, permits):
    permits.granted(7, 3.0)
    clock.advance(1.0)
    assert permits.renewals(poll=True) == {7: 2000}
    clock.advance(2.0)
    assert permits.renewals(poll=True) == {}


def test_others_hold_for_a_time(clock, permits):
    assert permits.others_for() == 0
    permits.others_hold(2.0)
    clock.advance(0.5)
    assert permits.others_for() == 1.5
    clock.advance(5)
    assert permits.others_for() == 0


def test_forgetting_all_forgets_the_others_too_and_dropping_ones_own_does_not(permits):
    permits.granted(7, 3.0)
    permits.others_hold(2.0)
    permits.drop()
    assert (permits.fences(), permits.others_for()) == ([], 2.0)
    permits.granted(8, 3.0)
    permits.clear()
    assert (permits.fences(), permits.others_for()) == ([], 0)
