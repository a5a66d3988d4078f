"""What came of one worker's attempt, told to the others over a real Redis: looked at, asked for, given back."""

import time
from contextlib import ExitStack

import pytest

from backend.bus.outcomes import Outcomes
from backend.bus.wire import AwayError, connect
from tests.support.client import eventually

pytestmark = pytest.mark.redis
KEEP = 60.0


@pytest.fixture
def pair(redis_server):
    """Two workers' outcomes and what each was told of the other's."""
    with ExitStack() as ending:
        made = []
        for name in "ab":
            wire, heard = connect(redis_server.url, worker=name, timeout=10), []
            made.append((Outcomes(wire, lambda *told, heard=heard: heard.append(told)), heard))
            wire.start(patience=5)
            ending.callback(wire.stop)
        yield made


def test_the_role_is_one_workers_until_it_tells_what_came_of_it(pair):
    (a, heard_a), (b, heard_b) = pair
    assert a.take("kev", 60, after=None)
    assert not b.take("kev", 60, after=None)
    number = a.put("kev", {"n": 1}, b"body", KEEP)
    last = b.last("kev")
    assert (last.number, last.head, b.body("kev")) == (number, {"n": 1}, b"body")
    assert 0 <= last.age < 5
    assert b.take("kev", 60, after=last)
    eventually(lambda: heard_b == [("kev", number, {"n": 1})], timeout=5)
    assert heard_a == []


def test_who_knows_of_an_older_outcome_does_not_get_the_role_that_was_given_back(pair):
    (a, _), (b, _) = pair
    nothing = b.last("kev")
    a.take("kev", 60, after=None)
    a.put("kev", {"n": 1}, None, KEEP)
    assert not b.take("kev", 60, after=nothing)
    first = b.last("kev")
    a.take("kev", 60, after=first)
    a.put("kev", {"n": 2}, None, KEEP)
    assert not b.take("kev", 60, after=first)
    assert b.take("kev", 60, after=b.last("kev"))


def test_a_role_ends_by_itself_and_by_being_given_back(pair):
    (a, _), (b, _) = pair
    assert a.take("kev", 0.1, after=None)
    time.sleep(0.15)
    assert b.take("kev", 60, after=None)
    a.release("kev")  # not its own any more
    assert not a.take("kev", 60, after=None)
    b.release("kev")
    assert a.take("kev", 60, after=None)


def test_without_redis_there_is_nobody_to_ask(pair, redis_server):
    (a, _), _ = pair
    redis_server.stop()
    with pytest.raises(AwayError):
        a.last("kev")
    with pytest.raises(AwayError):
        a.take("kev", 60, after=None)
    a.release("kev")
