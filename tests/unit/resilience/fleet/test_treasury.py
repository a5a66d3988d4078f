"""What the server sets aside of the fleet's retries for each worker."""

import pytest

from backend.resilience.fleet.treasury import Treasury

TERMS = {"ratio": 0.5, "minimum": 10, "window": 100, "lease": 50}


@pytest.fixture
def treasury():
    return Treasury()


def ask(treasury, worker="a", now=0, **told):
    args = {"worker": worker, "calls": 0, "spent": 0, "held": 0, "want": 100, "denied": 0, **TERMS, **told}
    return treasury.do(args, now)


def test_who_is_alone_gets_all_that_it_wants_and_that_there_is(treasury):
    assert ask(treasury, want=4) == {"now": 0, "share": 4, "short": False}
    assert ask(treasury)["share"] == 10
    assert ask(treasury, calls=40)["share"] == 20


def test_of_what_is_free_half_is_left_to_the_others(treasury):
    ask(treasury, "b", want=1)
    assert ask(treasury)["share"] == 5, "half of nine, rounded up"


def test_who_holds_some_gets_only_what_it_wants_beyond_that(treasury):
    assert ask(treasury, held=3, want=5)["share"] == 5
    assert ask(treasury, held=3, want=3)["share"] == 3
    assert ask(treasury, held=3, want=1)["share"] == 3


def test_the_last_one_is_given_out_and_nothing_beyond(treasury):
    assert ask(treasury, spent=9)["share"] == 1
    assert ask(treasury, spent=10)["share"] == 0
    assert ask(treasury, spent=10, held=2, want=5)["share"] == 2
    assert ask(treasury, spent=14)["share"] == 0


def test_calls_and_retries_of_the_others_count(treasury):
    ask(treasury, "b", calls=40, spent=6, want=0)
    assert ask(treasury, calls=20)["share"] == 12, "half of 60, six are spent, half of the rest"


def test_what_the_others_hold_is_not_given_twice_until_their_lease_ends(treasury):
    ask(treasury, "b", want=8)
    assert ask(treasury, "a", now=49)["share"] == 1
    assert ask(treasury, "c", now=50, held=0)["share"] == 5, "nine are free, and one other lives"


def test_what_a_worker_told_is_forgotten_after_the_window(treasury):
    ask(treasury, "b", spent=10)
    assert ask(treasury, now=99)["share"] == 0
    assert ask(treasury, now=100)["share"] == 10
    assert set(treasury._buckets) == {"a"}


def test_it_tells_when_others_that_live_were_denied(treasury):
    ask(treasury, "b", denied=1)
    assert ask(treasury)["short"] is True
    assert ask(treasury, "b")["short"] is False, "nobody else was"
    ask(treasury, "b", denied=1)
    assert ask(treasury, now=50)["short"] is False
