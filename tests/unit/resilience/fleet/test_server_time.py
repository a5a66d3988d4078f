"""The server's clock, as replies tell it: the reply that travelled least is believed for a minute."""

import pytest

from backend.resilience.fleet.server_time import ServerTime


@pytest.fixture
def time():
    """One reply of 10 s, half a second under way: at nothing of our clock it is 9.75 s there, give or take 0.25 s."""
    made = ServerTime()
    made.sample(10_000, 0.0, 0.5)
    return made


def shows(offset, sent, received):
    """What a reply tells of a server that is so far ahead, if it was as long under way in both directions."""
    return offset + (sent + received) * 500, sent, received


def test_before_the_first_reply_nobody_knows():
    assert ServerTime().ms(5.0) is None


def test_between_replies_it_goes_on_with_ones_own_clock(time):
    assert (time.ms(0.0), time.ms(2.0)) == (9750, 11_750)


def test_a_reply_that_travelled_longer_is_not_believed(time):
    time.sample(*shows(9500, 10.0, 11.0))
    assert time.ms(0.0) == 9750


def test_a_reply_that_travelled_as_long_or_less_is_believed_from_then_on(time):
    time.sample(*shows(9600, 10.0, 10.5))
    assert time.ms(0.0) == 9600
    time.sample(*shows(9700, 11.0, 11.25))
    assert time.ms(0.0) == 9700
    time.sample(*shows(9800, 12.0, 12.5))
    assert time.ms(0.0) == 9700


def test_after_a_minute_any_reply_is_better_than_the_old_one(time):
    time.sample(*shows(9500, 59.5, 60.5))
    assert time.ms(0.0) == 9750
    time.sample(*shows(9500, 59.5, 60.75))
    assert time.ms(0.0) == 9500
    time.sample(*shows(9400, 60.0, 61.5))
    assert time.ms(0.0) == 9500, "that one is a minute young again"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("first", [0, 9750])
def test_a_clock_that_was_set_is_noticed_beyond_what_the_journeys_explain_and_a_second(first, sign):
    time = ServerTime()
    time.sample(*shows(first, 0.0, 0.5))
    time.sample(*shows(first + sign * 1750, 10.0, 11.0))
    assert time.ms(0.0) == first
    time.sample(*shows(first + sign * 1751, 10.0, 11.0))
    assert time.ms(0.0) == first + sign * 1751
