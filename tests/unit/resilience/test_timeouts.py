"""with_timeout, in whichever mode the tests run."""

import time

import pytest

from backend.errors import DeadlineExceededError
from backend.resilience import current_deadline, deadline, with_timeout


def test_a_call_in_time_gives_its_result():
    @with_timeout(5)
    def add(one, two):
        """Add."""
        return one + two

    assert add(1, two=2) == 3
    assert (add.__name__, add.__doc__) == ("add", "Add.")


def test_one_that_takes_too_long_is_given_up():
    @with_timeout(0.02)
    def hang():
        time.sleep(0.2)

    started = time.monotonic()
    with pytest.raises(DeadlineExceededError, match=r"hang did not finish within 0.02 s") as caught:
        hang()
    assert time.monotonic() - started < 0.15
    assert isinstance(caught.value, TimeoutError)


def test_its_own_errors_pass():
    @with_timeout(5)
    def fails():
        raise KeyError("x")

    with pytest.raises(KeyError):
        fails()


def test_what_it_calls_knows_the_limit():
    @with_timeout(5)
    def left():
        return current_deadline().remaining()

    assert 4 < left() <= 5


def test_an_earlier_deadline_goes_first():
    @with_timeout(5)
    def left():
        return current_deadline().remaining()

    with deadline(1):
        assert left() <= 1
    with deadline(0), pytest.raises(DeadlineExceededError):
        left()


def test_a_timeout_of_something_inside_is_told_as_it_was():
    @with_timeout(5)
    def inner():
        raise DeadlineExceededError("the database took too long")

    with pytest.raises(DeadlineExceededError, match="the database"):
        inner()
