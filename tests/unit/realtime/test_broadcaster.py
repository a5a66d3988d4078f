"""Everybody gets what is theirs; a slow client gets the newest gauge once, and a stuck one is let go."""

import pytest

from backend.realtime.broadcaster import LONGEST_QUEUE, STUCK_SECONDS, Broadcaster
from backend.realtime.connections import Connections
from backend.realtime.replay import Replay
from backend.resilience.testing import FakeClock
from backend.security.principals import Principal


class FakeTransport:
    """Remembers what was sent; queues are set by the test."""

    def __init__(self):
        self.sent = []
        self.queues = {}
        self.disconnected = []

    def emit(self, event, payload, *, to, skip):
        self.sent.append((event, payload, to, skip))

    def queued(self, sid):
        return self.queues.get(sid, 0)

    def disconnect(self, sid):
        self.disconnected.append(sid)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def transport():
    return FakeTransport()


@pytest.fixture
def broadcaster(transport, clock):
    connections = Connections()
    connections.add("fast", Principal("ann", "viewer"))
    connections.add("slow", Principal("bob", "viewer"))
    return Broadcaster(transport, Replay(clock=clock), connections, clock=clock)


def test_everybodys_events_go_to_the_room_of_all_and_a_persons_to_theirs(broadcaster, transport):
    broadcaster.publish("threats", "threats_update", {"count": 1})
    broadcaster.publish("chat", "chat_delta", {"delta": "x"}, user="ann")
    assert [(event, to) for event, _, to, _ in transport.sent] == [
        ("threats_update", "all"),
        ("chat_delta", "user:ann"),
    ]


def test_an_answer_has_no_number_and_says_that_it_was_asked_for(broadcaster, transport):
    broadcaster.answer("fast", "threats_update", {"count": 1})
    ((_, payload, to, _),) = transport.sent
    assert to == "fast"
    assert payload == {"count": 1, "request": True}


def test_a_client_that_is_behind_gets_only_the_newest_gauge_when_it_has_caught_up(broadcaster, transport):
    transport.queues["slow"] = LONGEST_QUEUE
    for count in range(3):
        broadcaster.publish("threats", "threats_update", {"count": count})
    assert all(skip == ["slow"] for *_, skip in transport.sent)
    transport.sent.clear()
    broadcaster.look_after_slow_clients()
    assert transport.sent == []
    transport.queues["slow"] = 0
    broadcaster.look_after_slow_clients()
    ((event, payload, to, _),) = transport.sent
    assert (event, payload["count"], to) == ("threats_update", 2, "slow")


def test_what_was_held_back_is_not_sent_after_something_newer(broadcaster, transport):
    transport.queues["slow"] = LONGEST_QUEUE
    broadcaster.publish("threats", "threats_update", {"count": 1})
    broadcaster.publish("pulse", "pulse_update", {"count": 1})
    transport.queues["slow"] = 3
    broadcaster.publish("threats", "threats_update", {"count": 2})
    transport.sent.clear()
    transport.queues["slow"] = 0
    broadcaster.look_after_slow_clients()
    assert [(event, payload["count"]) for event, payload, *_ in transport.sent] == [("pulse_update", 1)]


def test_chat_is_never_held_back(broadcaster, transport):
    transport.queues["slow"] = LONGEST_QUEUE
    broadcaster.publish("chat", "chat_delta", {"delta": "x"}, user="bob")
    assert transport.sent[0][3] == []


def test_a_stuck_client_is_disconnected_after_its_time(broadcaster, transport, clock):
    transport.queues["slow"] = LONGEST_QUEUE
    broadcaster.look_after_slow_clients()
    clock.advance(STUCK_SECONDS - 1)
    broadcaster.look_after_slow_clients()
    assert transport.disconnected == []
    clock.advance(1)
    broadcaster.look_after_slow_clients()
    assert transport.disconnected == ["slow"]


def test_catching_up_in_between_starts_the_time_anew(broadcaster, transport, clock):
    transport.queues["slow"] = LONGEST_QUEUE
    broadcaster.look_after_slow_clients()
    clock.advance(STUCK_SECONDS - 1)
    transport.queues["slow"] = 0
    broadcaster.look_after_slow_clients()
    transport.queues["slow"] = LONGEST_QUEUE
    clock.advance(2)
    broadcaster.look_after_slow_clients()
    assert transport.disconnected == []
