"""The background worker of a process: when it talks, and to whom it hands what it hears."""

import logging

import pytest

from backend import runtime
from backend.resilience import CircuitBreaker
from backend.resilience.fleet import Fleet, MemoryServer
from backend.resilience.fleet.exchange import Exchange
from backend.resilience.fleet.server import Request, ServerAwayError
from backend.resilience.fleet.timing import Timing
from backend.resilience.testing import FakeClock


class Server:
    def __init__(self):
        self.away = False
        self.asked = []

    def ask(self, requests):
        if self.away:
            raise ServerAwayError("refused")
        self.asked.append([request.name for request in requests])
        return [{"now": 0}] * len(requests)


class Member:
    """Says something at each poll, and once what it is given to say."""

    def __init__(self):
        self.words = []
        self.heard = []
        self.alones = 0

    def collect(self, poll):
        words, self.words = self.words, []
        return [Request("breaker", name, "sync", {}, lambda reply: None) for name in [*["poll"] * poll, *words]]

    def hear(self, message):
        self.heard.append(message)
        if message.get("bad"):
            raise KeyError("bad")

    def alone(self):
        self.alones += 1


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def member():
    return Member()


@pytest.fixture
def exchange(server, clock, member, caplog):
    caplog.set_level(logging.ERROR, "jupiter.resilience")
    made = Exchange(server, clock, Timing())
    made.members["breaker", "x"] = member
    made.poll_soon()
    return made


def test_the_first_exchange_is_due_at_once_and_the_next_poll_a_second_later(exchange, clock, server):
    assert exchange.pause() == 0
    assert exchange.step()
    assert exchange.pause() == 1.0
    clock.advance(1.0)
    exchange.step()
    assert server.asked == [["poll"], ["poll"]]


def test_who_wakes_it_is_heard_in_time_and_nobody_else_is_polled(exchange, clock, server, member):
    exchange.step()
    member.words = ["news"]
    exchange.wake(0.05)
    exchange.wake(0.5)
    assert exchange.pause() == pytest.approx(0.05)
    clock.advance(0.05)
    exchange.step()
    assert server.asked == [["poll"], ["news"]]
    assert exchange.pause() == pytest.approx(0.95)


def test_nothing_to_say_is_no_exchange(exchange, clock, server):
    exchange.step()
    assert exchange.step()
    assert len(server.asked) == 1


def test_a_server_that_is_away_is_tried_again_with_everything(exchange, clock, server, member):
    exchange.step()
    server.away = True
    clock.advance(1.0)
    assert not exchange.step()
    assert (member.alones, exchange.pause()) == (1, 1.0)
    assert not exchange.step()
    server.away = False
    clock.advance(1.0)
    assert exchange.step()
    assert server.asked[-1] == ["poll"]


def test_a_message_goes_to_the_member_of_its_name(exchange, member):
    exchange.hear({"name": "x", "kind": "record"})
    exchange.hear({"name": "y", "kind": "record"})
    exchange.hear({})
    exchange.hear({"name": "x", "bad": True})
    assert [message.get("bad") for message in member.heard] == [None, True]


def test_it_exchanges_until_it_is_stopped_and_has_a_last_word(server, member):
    exchange = Exchange(server, FakeClock(), Timing())
    exchange.members["breaker", "x"] = member
    exchange.poll_soon()
    task = runtime.spawn(exchange.run)
    runtime.sleep(0.05)
    member.words = ["last"]
    exchange.stop()
    assert task.wait(2)
    assert server.asked == [["poll"], ["poll", "last"]]


def test_a_step_that_fails_inside_does_not_end_it(server, caplog):
    exchange = Exchange(server, FakeClock(), Timing())
    broken = Member()
    broken.collect = lambda poll: 1 / 0
    exchange.members["breaker", "x"] = broken
    exchange._step_safely()
    assert "an exchange failed" in caplog.text
    exchange.members["breaker", "x"] = Member()
    assert exchange.step()


def test_two_kits_in_one_program_hear_of_each_other():
    server = MemoryServer()
    members = [Fleet(server) for _ in range(2)]
    storages = [member.breaker_storage("feed") for member in members]
    breakers = [CircuitBreaker(name="feed", storage=storage) for storage in storages]
    for member in members:
        member.start()
    runtime.sleep(0.05)
    breakers[0].force_open("maintenance", author="anna")
    for _ in range(100):
        if breakers[1].state == "forced_open":
            break
        runtime.sleep(0.02)
    for member in members:
        member.stop()
    assert breakers[1].snapshot.author == "anna"
    assert members[1].audit()[0]["author"] == "anna"


def test_names_are_needed_and_are_ones_own():
    fleet = Fleet(MemoryServer())
    fleet.breaker_storage("feed")
    fleet.budget("feed")
    for make in (fleet.breaker_storage, fleet.budget):
        for name in ("feed", ""):
            with pytest.raises(ValueError, match="a name of its own"):
                make(name)
    with pytest.raises(ValueError, match="no colon"):
        Fleet(MemoryServer(), worker="a:b")
