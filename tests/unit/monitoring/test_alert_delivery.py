"""Telling people outside: durable, grouped, and never lost while the receiver is away."""

import pytest

from backend.errors import DatabaseError, NetworkError
from backend.monitoring.alert_delivery import AlertDelivery
from backend.monitoring.alerts import AlertBook, Hit
from backend.resilience.guard import Guards, Policy
from backend.resilience.testing import FakeClock
from backend.storage.sqlite import SqliteDatabase
from tests.support.flaky_database import FlakyDatabase


class Receivers:
    def __init__(self, count=1):
        self.receivers = range(count)
        self.told, self.away = [], set()

    def send(self, receiver, title, body):
        if receiver in self.away:
            raise NetworkError("connection refused")
        self.told.append((receiver, title, body))

    def titles(self, receiver=0):
        return [title for to, title, _ in self.told if to == receiver]


@pytest.fixture
def world(tmp_path):
    database = FlakyDatabase(
        SqliteDatabase(tmp_path / "x.sqlite3", offload=lambda func, *args, **more: func(*args, **more))
    )
    guards = Guards()
    policy = Policy(attempts=1, failure_threshold=1000)
    stored = guards.add("database", feature="data", policy=policy)
    outside = guards.add("alert_delivery", feature="scans", policy=policy, essential=False)

    clock = FakeClock()

    def make(count=1):
        book, receivers = AlertBook(database, stored, delivers=True, clock=clock), Receivers(count)
        return book, receivers, AlertDelivery(book, receivers, outside, clock=clock)

    make.database, make.clock, make.guard = database, clock, outside
    yield make
    database.close()


def hit(subject, **more):
    return Hit("ada", "rule", subject, "high", f"{subject} happened", "Look at it.", **more)


def test_an_alert_is_delivered_once(world):
    book, receiver, delivery = world()
    assert book.hit(hit("a")) is True
    assert delivery.deliver() is True
    assert delivery.deliver() is True
    assert receiver.told == [(0, "Jupiter: a happened", "Look at it.")]


def test_several_alerts_are_one_message(world):
    book, receiver, delivery = world()
    for subject in "abc":
        book.hit(hit(subject))
    delivery.deliver()
    ((_, title, body),) = receiver.told
    assert title == "Jupiter: 3 alerts"
    assert body.count("happened") == 3


def test_while_the_receiver_is_away_alerts_wait_also_over_a_restart(world):
    book, receiver, delivery = world()
    receiver.away = {0}
    book.hit(hit("a"))
    assert delivery.deliver() is False
    book, receiver, delivery = world()  # another process
    assert delivery.deliver() is True
    assert len(receiver.told) == 1


def test_what_was_resolved_before_it_could_be_told_is_not_told(world):
    book, receiver, delivery = world()
    book.hit(hit("a"))
    book.resolve("ada", hit("a").alert_id)
    delivery.deliver()
    assert receiver.told == []


def test_the_same_hit_again_is_no_news_and_other_details_are(world):
    book, _, _ = world()
    assert [book.hit(hit("a")), book.hit(hit("a")), book.hit(hit("a", details={"scans": 2}))] == [True, False, True]
    assert book.count("ada") == 1


def test_what_was_told_and_could_not_be_noted_is_not_told_again(world):
    book, receiver, delivery = world()
    book.hit(hit("a"))
    world.database.failing = lambda table, operation, _: operation == "update"
    with pytest.raises(DatabaseError):
        delivery.deliver()
    book.hit(hit("b"))
    world.database.heal()
    assert delivery.deliver() is True
    assert receiver.titles() == ["Jupiter: a happened", "Jupiter: b happened"]
    assert book.pending(10) == []


def test_a_receiver_that_is_away_has_the_others_neither_told_twice_nor_held_up(world):
    book, receivers, delivery = world(2)
    receivers.away = {0}
    for subject in "ab":
        book.hit(hit(subject))
        world.clock.advance(1)
        assert delivery.deliver() is False
    for number in range(50):
        book.hit(hit(f"later {number}"))
    delivery.deliver()
    assert receivers.titles(1)[:2] == ["Jupiter: a happened", "Jupiter: b happened"]
    assert sum(title.startswith("Jupiter: 20 alerts") for title in receivers.titles(1)) == 2
    receivers.away = set()
    assert delivery.deliver() is True
    assert [len(receivers.titles(0)), len(receivers.titles(1))] == [3, 5]
    assert book.pending(100) == []


def test_a_receiver_that_stays_broken_is_given_up_after_a_day_and_does_not_keep_the_breaker_open(world):
    book, receivers, delivery = world(2)
    receivers.away = {0}
    book.hit(hit("a"))
    delivery.deliver()
    world.clock.advance(86_401)
    delivery.deliver()
    assert book.pending(10) == []
    order = []
    receivers.send = lambda receiver, *_: order.append(receiver)
    book.hit(hit("b"))
    delivery.deliver()
    assert order == [1, 0]


def test_an_alert_that_nobody_took_is_never_given_up(world):
    book, receivers, delivery = world()
    receivers.away = {0}
    book.hit(hit("a"))
    world.clock.advance(1_000_000)
    delivery.deliver()
    assert len(book.pending(10)) == 1


def test_what_was_raised_again_while_it_was_being_told_is_told_again(world):
    book, receiver, delivery = world()
    book.hit(hit("a"))
    send = receiver.send

    def slowly(*args):
        world.clock.advance(1)
        book.resolve("ada", hit("a").alert_id)
        book.hit(hit("a", details={"scans": 2}))
        receiver.send = send
        send(*args)

    receiver.send = slowly
    delivery.deliver()
    delivery.deliver()
    assert len(receiver.told) == 2


def test_a_fault_that_nobody_foresaw_does_not_end_the_delivery(world):
    book, receiver, delivery = world()
    book.hit(hit("a"))
    pending, rounds = book.pending, []

    def broken(limit):
        rounds.append(limit)
        if len(rounds) == 1:
            raise KeyError("odd")
        delivery.stop()
        return pending(limit)

    book.pending = broken
    delivery._wait = lambda *_: None
    delivery._loop()
    assert receiver.titles() == ["Jupiter: a happened"]
