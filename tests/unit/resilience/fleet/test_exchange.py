"""The background worker of a process: when it talks, and to whom it hands what it hears."""

import logging
import threading

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
        self.attempts = 0
        self.asked = []

    def ask(self, requests):
        self.attempts += 1
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


def until(fulfilled):
    """Wait for what another task does, for 2 s at most."""
    for _ in range(100):
        if fulfilled():
            break
        runtime.sleep(0.02)


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
    assert server.attempts == 2, "not before its time"
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
    exchange = Exchange(server, FakeClock(), Timing(poll=60))
    exchange.members["breaker", "x"] = member
    task = runtime.spawn(exchange.run)
    until(lambda: len(server.asked) == 1)
    member.words = ["news"]
    exchange.wake(0.0)
    until(lambda: len(server.asked) == 2)
    member.words = ["last"]
    exchange.stop()
    assert task.wait(2)
    assert server.asked == [["poll"], ["news"], ["poll", "last"]]


def test_a_new_one_has_to_talk_at_once(server, clock):
    assert Exchange(server, clock, Timing()).pause() == 0.0


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


class Line:
    """A subscription on which the given messages arrive, and then the end."""

    def __init__(self, exchange, *messages):
        self.exchange, self.messages = exchange, list(messages)
        self.timeouts, self.closed = [], False

    def next(self, timeout):
        self.timeouts.append(timeout)
        if self.messages:
            return self.messages.pop(0)
        self.exchange.stop()
        return None

    def close(self):
        self.closed = True


def test_who_asks_for_everything_wakes_it(exchange, server, member):
    exchange.step()
    assert exchange.pause() == 1.0
    exchange.poll_soon()
    assert exchange.pause() == 0.0
    exchange.step()
    assert server.asked == [["poll"], ["poll"]]


def test_messages_are_heard_until_it_is_stopped_and_the_line_is_closed(exchange, server, member):
    exchange.step()
    line = Line(exchange, {"name": "x"}, None, {"name": "x", "kind": "free"})
    server.subscribe = lambda: line
    exchange.listen()
    assert member.heard == [{"name": "x"}, {"name": "x", "kind": "free"}]
    assert (line.timeouts, line.closed) == ([0.5] * 4, True)
    assert exchange.pause() == 0.0, "messages may have been missed before"


def test_a_line_that_breaks_is_made_anew_after_a_while(exchange, server, member, caplog):
    pauses, line = [], Line(exchange, {"name": "x"})
    tries = [ServerAwayError("refused"), ZeroDivisionError(), line]

    def subscribe():
        made = tries.pop(0)
        if made is not line:
            raise made
        return made

    class Stopped(threading.Event):
        def wait(self, timeout=None):
            pauses.append(timeout)
            return self.is_set()

    server.subscribe = subscribe
    exchange._stopped = Stopped()
    exchange.listen()
    assert (len(member.heard), pauses) == (1, [1.0] * 3)
    assert [record.message for record in caplog.records] == ["fleet: listening failed"]


def test_the_last_word_has_an_end_whatever_there_is_to_say(exchange, server, member):
    exchange.step()
    collect = member.collect

    def more(poll):
        exchange.wake(0.0)
        return [*collect(poll), Request("breaker", "more", "sync", {}, lambda reply: None)]

    member.collect = more
    exchange._last_words()
    assert server.asked == [["poll"], ["poll", "more"], *[["more"]] * 9]


def test_there_are_no_last_words_to_a_server_that_never_answered(exchange, server):
    exchange.stop()
    exchange.run()
    assert server.attempts == 0
