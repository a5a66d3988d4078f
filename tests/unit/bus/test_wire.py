"""The line to the other workers: when it counts as open, and how much is said; the client is played by hand."""

import json
import logging
from types import SimpleNamespace

import pytest

from backend.bus.wire import QUIET_SECONDS, AwayError, Wire
from backend.resilience.fleet.server import ServerAwayError
from backend.resilience.testing import FakeClock

CONFIRMED = {"type": "subscribe", "data": 1}


class PubSub:
    """Gives what is prepared, then nothing; `then` is called with the last."""

    def __init__(self, messages, then):
        self._messages = list(messages)
        self._then = then

    def subscribe(self, channel):
        """It is sent; whether it arrives is another matter."""

    def get_message(self, timeout):
        if self._messages:
            return self._messages.pop(0)
        self._then()
        return None

    def ping(self):
        """Nobody is too quiet here."""

    def close(self):
        """The connection is given back."""


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def listening(clock):
    """Open a line on which these messages arrive, and that ends with the last; returns it and whether it was open."""

    def listen(*messages, told=(), topics=()):
        wire = Wire(SimpleNamespace(), worker="w", clock=clock)
        wire.client = SimpleNamespace(pubsub=lambda: PubSub(messages, wire._stopped.set))
        was_open = []
        wire.on_up(lambda: was_open.append(True))
        for each in told:
            wire.on_up(each)
        for topic, hear in topics:
            wire.on(topic, hear)
        try:
            wire._listen()
        finally:
            wire._stopped.clear()
        return wire, was_open

    return listen


def message(topic, **body):
    return {"type": "message", "data": json.dumps({"topic": topic, **body}).encode()}


def test_a_subscription_that_is_not_confirmed_opens_no_line(listening):
    """A frozen Redis takes what is sent to it on a connection that is there already, and says nothing."""
    with pytest.raises(ServerAwayError, match="confirmed"):
        listening()
    with pytest.raises(ServerAwayError, match="confirmed"):
        listening(None, CONFIRMED)


def test_one_that_is_confirmed_opens_it_and_everybody_is_told(listening):
    heard = []
    _, was_open = listening(CONFIRMED, message("x", n=1), topics=[("x", heard.append)])
    assert was_open == [True]
    assert heard == [{"topic": "x", "n": 1}]


def test_one_who_cannot_cope_with_what_was_missed_keeps_nobody_from_the_line(listening, caplog):
    """What lies in Redis may be of another version, or of somebody else."""
    told = []

    def broken():
        raise KeyError("until")

    callers = [broken, lambda: told.append("next")]
    wire, _ = listening(CONFIRMED, message("x"), told=callers, topics=[("x", told.append)])
    assert told == ["next", {"topic": "x"}]
    assert wire.breaks == 0
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "until" in caplog.text


def test_who_finds_redis_away_again_ends_the_opening(listening):
    told = []

    def away():
        raise AwayError("again")

    with pytest.raises(AwayError):
        listening(CONFIRMED, told=[away, lambda: told.append("next")])
    assert told == []


def test_what_cannot_be_worked_on_is_told_once_in_a_while(clock, caplog):
    wire = Wire(SimpleNamespace(), worker="w", clock=clock)

    def broken(_):
        raise KeyError("stream")

    wire.on("push", broken)
    for _ in range(50):
        wire._hand_on({"topic": "push"})
    assert len(caplog.records) == 1
    clock.advance(QUIET_SECONDS)
    wire._hand_on({"topic": "push"})
    assert len(caplog.records) == 2
