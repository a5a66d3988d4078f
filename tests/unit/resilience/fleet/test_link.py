"""The way to the server, and how little is said about its absence."""

import logging

import pytest

from backend.resilience.fleet.link import Link
from backend.resilience.fleet.server import Request, ServerAwayError
from backend.resilience.fleet.timing import Timing
from backend.resilience.testing import FakeClock


class Server:
    """Answers with its time, or not at all."""

    def __init__(self):
        self.away = False
        self.asked = 0

    def ask(self, requests):
        self.asked += 1
        if self.away:
            raise ServerAwayError("refused")
        return [None if request.name == "refused" else {"now": 5000, "name": request.name} for request in requests]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def alone():
    return []


@pytest.fixture
def link(server, clock, alone, caplog):
    caplog.set_level(logging.INFO, "jupiter.resilience")
    made = Link(server, clock, Timing(), lambda: alone.append(True))
    made.bounded = lambda _, func, *args: func(*args)
    return made


def request(name="x", done=None):
    return Request("breaker", name, "sync", {}, done or (lambda reply: None))


def test_replies_go_to_who_asked_and_a_refusal_to_nobody(link):
    got = []
    assert link.ask([request("refused", got.append), request("x", got.append)])
    assert [reply["name"] for reply in got] == ["x"]
    assert link.up


def test_a_reply_that_one_cannot_use_is_nobody_elses_loss(link, caplog):
    """A record of another version, say: all that came after it in the exchange was dropped with it."""
    got = []

    def broken(reply):
        raise KeyError("open_ms")

    for _ in range(3):
        assert link.ask([request("feed", broken), request("x", got.append)])
    assert [reply["name"] for reply in got] == ["x"] * 3
    assert link.up
    assert [record.getMessage() for record in caplog.records] == [
        "fleet: what the server told of breaker feed cannot be used"
    ]


def test_nobody_asks_for_a_while_after_a_failure(link, server, clock):
    server.away = True
    assert not link.ask([request()])
    assert not link.may_try()
    assert link.wait() == 1.0
    clock.advance(0.9)
    assert not link.may_try()
    clock.advance(0.1)
    assert link.may_try()
    assert link.wait() == 0.0


def test_a_caller_who_waits_does_not_ask_a_server_that_is_away(link, server):
    assert link.ask_now(request()) is None
    assert server.asked == 0, "nothing was heard of it yet"
    link.ask([request()])
    assert link.ask_now(request())["name"] == "x"
    server.away = True
    assert link.ask_now(request()) is None
    assert link.ask_now(request()) is None
    assert server.asked == 3


def test_a_caller_waits_no_longer_than_the_time_of_an_exchange(link):
    link.ask([request()])
    asked = []

    def too_long(seconds, *_):
        asked.append(seconds)
        raise TimeoutError

    link.bounded = too_long
    assert link.ask_now(request()) is None
    assert (asked, link.up) == ([0.5], False)


def test_members_are_told_once_that_they_are_alone(link, server, alone):
    server.away = True
    link.ask([request()])
    assert alone == [], "they have not been together yet"
    server.away = False
    link.ask([request()])
    server.away = True
    link.ask([request()])
    link.ask([request()])
    assert alone == [True]


def test_an_absence_is_one_line_and_the_return_another(link, server, clock, caplog):
    for away in (False, True, True, True):
        server.away = away
        link.ask([request()])
        clock.advance(1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    clock.advance(30)
    server.away = False
    link.ask([request()])
    link.ask([request()])
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_one_exchange_that_is_late_is_not_worth_a_line(link, server, clock, alone, caplog):
    """A server that stands still for a moment, to save itself say: it is nobody's business in the night."""
    link.ask([request()])
    server.away = True
    link.ask([request()])
    link.ask_now(request())
    link.ask([request()])  # another one who had asked in the same moment
    assert (link.up, alone) == (False, [True]), "everybody goes by its own view all the same"
    clock.advance(1)
    server.away = False
    link.ask([request()])
    clock.advance(40)
    link.ask([request()])
    assert caplog.records == []


def test_an_absence_is_told_when_it_was_tried_again_in_vain(link, server, clock, caplog):
    link.ask([request()])
    server.away = True
    link.ask([request()])
    assert caplog.records == []
    clock.advance(1)
    link.ask([request()])
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_late_exchange_soon_after_another_is_told_at_once(link, server, clock, caplog):
    for seconds, lines in ((0, 0), (30, 0), (10, 1)):
        clock.advance(seconds)
        for away in (False, True, False):
            server.away = away
            link.ask([request()])
        assert len(caplog.records) == lines


def test_a_server_that_comes_and_goes_is_worth_a_line_in_thirty_seconds(link, server, clock, caplog):
    for number in range(60):
        server.away = number % 2 == 0
        link.ask([request()])
        clock.advance(1)
    assert 2 <= len(caplog.records) <= 3


def test_what_goes_wrong_inside_is_logged_as_seldom(link, clock, caplog):
    for _ in range(3):
        link.complain("an exchange failed")
        clock.advance(14.9)
    assert len(caplog.records) == 1
    clock.advance(1)
    link.complain("an exchange failed")
    assert len(caplog.records) == 2


def test_the_servers_time_goes_on_between_replies(link, clock):
    assert link.server_ms() is None
    link.ask([request()])
    clock.advance(1.5)
    assert link.server_ms() == pytest.approx(6500)


def test_the_answer_to_a_caller_tells_the_time_too(link, clock):
    link.ask([])
    assert link.server_ms() is None
    link.ask_now(request())
    assert link.server_ms() == pytest.approx(5000)


def test_a_refusal_to_a_caller_is_no_reply(link):
    link.ask([])
    assert link.ask_now(request("refused")) is None
    assert link.up


def test_every_question_has_its_reply_or_something_is_wrong(link, server):
    server.ask = lambda requests: []
    with pytest.raises(ValueError, match="shorter"):
        link.ask([request()])


def test_who_has_an_answer_need_not_wait(link, server, clock):
    server.away = True
    link.ask([request()])
    server.away = False
    link.ask([request()])
    assert link.wait() == 0.0
    server.away = True
    link.ask([request()])
    clock.advance(5)
    assert link.wait() == 0.0


def test_a_long_absence_is_told_once(link, server, clock, caplog):
    link.ask([request()])
    server.away = True
    for _ in range(10):
        link.ask([request()])
        clock.advance(10)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_that_it_never_answered_is_told_once_and_its_first_answer_too(link, server, clock, caplog):
    server.away = True
    link.ask([request()])
    clock.advance(1)
    link.ask([request()])
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    clock.advance(30)
    server.away = False
    link.ask([request()])
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_complaints_are_thirty_seconds_apart(link, clock, caplog):
    clock.advance(100)
    for seconds, lines in ((0, 1), (10, 1), (20, 2), (29, 2), (1, 3)):
        clock.advance(seconds)
        link.complain("an exchange failed")
        assert len(caplog.records) == lines
