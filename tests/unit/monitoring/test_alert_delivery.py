"""Telling people outside: durable, grouped, and never lost while the receiver is away."""

import pytest

from backend.errors import NetworkError
from backend.monitoring.alert_delivery import AlertDelivery
from backend.monitoring.alerts import AlertBook, Hit
from backend.resilience.guard import Guards, Policy
from backend.storage.sqlite import SqliteDatabase


class Receiver:
    def __init__(self):
        self.messages, self.away = [], False

    def send(self, title, body):
        if self.away:
            raise NetworkError("connection refused")
        self.messages.append((title, body))


@pytest.fixture
def world(tmp_path):
    database = SqliteDatabase(tmp_path / "x.sqlite3", offload=lambda func, *args, **more: func(*args, **more))
    guards = Guards()
    policy = Policy(attempts=1, failure_threshold=1000)
    stored = guards.add("database", feature="data", policy=policy)
    outside = guards.add("alert_delivery", feature="scans", policy=policy, essential=False)

    def make():
        book, receiver = AlertBook(database, stored, delivers=True), Receiver()
        return book, receiver, AlertDelivery(book, receiver, outside)

    yield make
    database.close()


def hit(subject, **more):
    return Hit("ada", "rule", subject, "high", f"{subject} happened", "Look at it.", **more)


def test_an_alert_is_delivered_once(world):
    book, receiver, delivery = world()
    assert book.hit(hit("a")) is True
    assert delivery.deliver() is True
    assert delivery.deliver() is True
    assert receiver.messages == [("Jupiter: a happened", "Look at it.")]


def test_several_alerts_are_one_message(world):
    book, receiver, delivery = world()
    for subject in "abc":
        book.hit(hit(subject))
    delivery.deliver()
    ((title, body),) = receiver.messages
    assert title == "Jupiter: 3 alerts"
    assert body.count("happened") == 3


def test_while_the_receiver_is_away_alerts_wait_also_over_a_restart(world):
    book, receiver, delivery = world()
    receiver.away = True
    book.hit(hit("a"))
    assert delivery.deliver() is False
    book, receiver, delivery = world()  # another process
    assert delivery.deliver() is True
    assert len(receiver.messages) == 1


def test_what_was_resolved_before_it_could_be_told_is_not_told(world):
    book, receiver, delivery = world()
    book.hit(hit("a"))
    book.resolve("ada", hit("a").alert_id)
    delivery.deliver()
    assert receiver.messages == []


def test_the_same_hit_again_is_no_news_and_other_details_are(world):
    book, _, _ = world()
    assert [book.hit(hit("a")), book.hit(hit("a")), book.hit(hit("a", details={"scans": 2}))] == [True, False, True]
    assert book.count("ada") == 1
