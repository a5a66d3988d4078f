"""A record on its way to the server and back: instants travel as ages."""

from datetime import timedelta

import pytest

from backend.resilience.breaker_storage import BreakerRecord
from backend.resilience.fleet.wire import Move, heard
from backend.resilience.testing import FakeClock

TOLD = {"state": "open", "generation": 3, "decision": "you:3", "changed_at": 9000, "open_ms": 1500, "level": 2}
TOLD |= {"failures": 4, "reason": "refused"}


@pytest.fixture
def clock():
    made = FakeClock()
    made.advance(100)
    return made


def test_what_the_server_tells_is_read_in_ones_own_time(clock):
    move = heard({**TOLD, "author": "anna", "until": 40_000}, 10_000, clock)
    assert move.record == BreakerRecord(
        state="open",
        generation=3,
        changed_at=clock.now() - timedelta(seconds=1),
        open_seconds=1.5,
        level=2,
        failures=4,
        reason="refused",
        author="anna",
        until=clock.now() + timedelta(seconds=30),
    )
    assert (move.decision, move.since, move.fences) == ("you:3", 99.0, [])


def test_what_has_no_end_and_no_author_gets_none(clock):
    record = heard(TOLD, 10_000, clock).record
    assert (record.author, record.until) == (None, None)


def test_nothing_was_changed_in_the_future(clock):
    move = heard({**TOLD, "changed_at": 15_000}, 10_000, clock)
    assert (move.record.changed_at, move.since) == (clock.now(), 100.0)


def test_a_move_of_the_future_is_told_as_of_now(clock):
    assert Move(BreakerRecord("open", 1), "me:1", 105.0).told(clock)["age"] == 0


def test_a_reason_travels_up_to_its_two_hundredth_letter(clock):
    told = Move(BreakerRecord("open", 1, reason="word " * 60), "me:1", 100.0).told(clock)
    assert told["reason"] == ("word " * 60)[:199] + "…"
