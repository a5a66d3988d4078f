"""What a worker asks for of the fleet's retries, number by number."""

from types import SimpleNamespace

import pytest

from backend.resilience.fleet.budget import FleetRetryBudget
from backend.resilience.testing import FakeClock


class Desk:
    """A budget whose questions are answered by hand."""

    def __init__(self, **options):
        self.clock = FakeClock()
        self.link = SimpleNamespace(up=True)
        self.wakes = []
        self.budget = FleetRetryBudget(
            "feed", worker="w", link=self.link, wake=self.wakes.append, clock=self.clock, **options
        )

    def ask(self, poll=True):
        (request,) = self.budget.collect(poll)
        return request

    def grant(self, share, short=False):
        self.ask().done({"share": share, "short": short})

    def calls(self, count):
        for _ in range(count):
            self.budget.note_call()


@pytest.fixture
def desk():
    return Desk()


def test_the_first_question_tells_the_terms(desk):
    request = desk.ask(poll=False)
    assert (request.noun, request.name, request.operation) == ("budget", "feed", "share")
    told = {"worker": "w", "calls": 0, "spent": 0, "held": 0, "want": 1, "denied": 0}
    assert request.args == told | {"ratio": 0.2, "minimum": 3, "window": 60_000, "lease": 5000}


def test_nothing_may_be_spent_before_the_first_answer(desk):
    assert desk.budget.available == 0
    assert not desk.budget.try_spend()
    assert desk.wakes == [0.05]
    request = desk.ask()
    assert (request.args["denied"], request.args["want"]) == (1, 2), "the one that was denied, and one more"


def test_what_was_denied_is_told_once(desk):
    for _ in range(3):
        desk.budget.try_spend()
    assert desk.ask().args["denied"] == 3
    assert desk.ask().args["denied"] == 0


@pytest.mark.parametrize(
    ("options", "calls", "want"),
    [
        ({}, 600, 10),
        ({}, 1, 1),
        ({}, 61, 2),
        ({"window_seconds": 4.0, "ratio": 0.5}, 20, 10),
        ({"window_seconds": 5.0, "ratio": 1.0}, 1500, 1000),
    ],
)
def test_it_wants_what_five_seconds_may_need(options, calls, want):
    desk = Desk(**options)
    desk.calls(calls)
    assert desk.ask().args["want"] == want


def test_there_is_room_for_the_last_one_and_then_more_is_asked_for(desk):
    desk.calls(600)
    desk.grant(3)
    assert desk.budget.try_spend()
    assert desk.budget.try_spend()
    assert (desk.budget.available, desk.wakes) == (1, [])
    assert list(desk.budget.collect(False)) == []
    assert desk.budget.try_spend()
    assert desk.wakes == [0.05]
    assert [request.args["spent"] for request in desk.budget.collect(False)] == [3]


def test_what_is_spent_while_the_answer_is_under_way_is_taken_off_it(desk):
    desk.calls(600)
    desk.grant(3)
    request = desk.ask()
    assert request.args["held"] == 3
    assert desk.budget.try_spend()
    request.done({"share": 5, "short": False})
    assert desk.budget.available == 4


def test_a_reserve_holds_for_four_seconds_to_the_moment(desk):
    desk.calls(600)
    desk.grant(3)
    desk.clock.advance(4.0)
    assert desk.budget.try_spend()
    assert desk.ask().args["held"] == 2
    desk.clock.advance(0.001)
    assert not desk.budget.try_spend()
    assert desk.ask().args["held"] == 0


def test_more_than_is_wanted_is_given_back(desk):
    desk.grant(3)
    assert desk.ask().args["held"] == 1
    assert desk.budget.available == 1


def test_who_has_nothing_to_do_wants_none_while_others_are_short(desk):
    desk.grant(1, short=True)
    assert (desk.ask().args["want"], desk.ask().args["held"]) == (0, 0)
    desk.budget.try_spend()
    assert desk.ask().args["want"] == 2, "now it has something to do"


def test_alone_the_reserve_is_void(desk):
    desk.calls(600)
    desk.grant(3)
    desk.link.up = False
    assert desk.budget.available == 120
    desk.budget.alone()
    desk.link.up = True
    assert desk.budget.available == 0
