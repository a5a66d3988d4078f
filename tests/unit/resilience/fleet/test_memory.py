"""The server within a process: who shares what, and how messages arrive."""

import pytest

from backend.resilience.fleet.memory import MemoryServer, MemorySubscription
from backend.resilience.fleet.server import Request
from backend.resilience.testing import FakeClock

DISABLED = {"state": "disabled", "decision": "w1:1", "generation": 1, "age": 0, "open_ms": 0, "level": 0}
DISABLED |= {"failures": 0, "reason": "it lies", "manual": True, "author": "anna"}


class Flag:
    """An event that tells who waited for it."""

    def __init__(self):
        self.shown, self.waits = False, []

    def set(self):
        self.shown = True

    def clear(self):
        self.shown = False

    def wait(self, seconds):
        self.waits.append((seconds, self.shown))


@pytest.fixture
def server():
    return MemoryServer(FakeClock())


def asked(server, noun, name, operation, **args):
    (reply,) = server.ask([Request(noun, name, operation, {"worker": "w1", **args}, lambda reply: None)])
    return reply


def disable(server, name="feed", **fields):
    return asked(server, "breaker", name, "propose", record=DISABLED | fields)


def test_messages_arrive_in_their_order_and_only_who_has_none_waits():
    line = MemorySubscription()
    flag = line._arrived = Flag()
    line.take({"number": 1})
    line.take({"number": 2})
    assert flag.shown
    assert [line.next(0.5)["number"] for _ in range(2)] == [1, 2]
    assert flag.waits == []
    assert line.next(0) is None
    assert flag.waits == []
    assert line.next(0.5) is None
    assert flag.waits == [(0.5, False)]


def test_who_listens_gets_a_message_of_its_own_until_it_is_closed(server):
    first, second = server.subscribe(), server.subscribe()
    disable(server)
    message = first.next(0)
    assert (message["kind"], message["name"]) == ("record", "feed")
    message["record"].clear()
    assert second.next(0)["record"]["author"] == "anna"
    first.close()
    disable(server, decision="w1:2")
    assert (first.next(0), server.subscriptions) == (None, [second])
    assert second.next(0)["record"]["generation"] == 2


def test_each_breaker_has_a_record_of_its_own_and_all_one_list_of_decisions(server):
    disable(server)
    assert "record" not in asked(server, "breaker", "other", "sync")
    disable(server, "other", author="berta")
    assert asked(server, "breaker", "feed", "sync")["record"]["author"] == "anna"
    assert [entry["author"] for entry in server.audit(10)] == ["berta", "anna"]
    assert [entry["author"] for entry in server.audit(1)] == ["berta"]


def test_notes_of_one_board_are_there_for_who_asks_for_it_by_name(server):
    given = {"batch": 10, "keep": 10**6, "most": 10}
    asked(server, "board", "errors", "exchange", notes={"a": "1"}, **given)
    assert asked(server, "board", "errors", "exchange", notes={}, **given)["news"] == [["a", "1"]]
    assert asked(server, "board", "others", "exchange", notes={}, **given)["news"] == []


def test_each_budget_is_shared_by_its_name(server):
    def share(worker, name="feed", spent=0):
        told = {"worker": worker, "calls": 10, "spent": spent, "held": 0, "denied": 0, "want": 50}
        given = {"window": 60_000, "ratio": 0.5, "minimum": 0, "lease": 5000}
        return asked(server, "budget", name, "share", **told, **given)["share"]

    assert share("w1") == 5
    assert share("w2", spent=1) == 2, "half of what is left of both their calls"
    assert share("w2", "other") == 5
    server.forget()
    assert share("w2") == 5


def test_it_tells_its_time_in_milliseconds_and_keeps_what_it_is_given_apart(server):
    args = {"worker": "w1", "record": dict(DISABLED)}
    (reply,) = server.ask([Request("breaker", "feed", "propose", args, lambda reply: None)])
    assert reply["now"] == 1_767_225_600_000
    assert args["record"] == DISABLED
    args["record"]["reason"] = "changed"
    assert asked(server, "breaker", "feed", "sync")["record"]["reason"] == "it lies"


def test_what_cannot_travel_fails_here_too(server):
    with pytest.raises(TypeError):
        asked(server, "breaker", "feed", "sync", limits=object())


def test_what_it_forgets_is_gone_but_not_who_listens(server):
    line = server.subscribe()
    disable(server)
    asked(server, "board", "errors", "exchange", notes={"a": "1"}, batch=10, keep=10**6, most=10)
    server.forget()
    assert (server.audit(10), "record" in asked(server, "breaker", "feed", "sync")) == ([], False)
    assert asked(server, "board", "errors", "exchange", notes={}, batch=10, keep=1, most=10)["news"] == []
    assert server.subscriptions == [line]
