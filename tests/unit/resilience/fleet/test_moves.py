"""The follower by itself, between a breaker's view that only keeps records and what a server tells."""

from datetime import timedelta

import pytest

from backend.resilience.breaker_storage import BreakerRecord
from backend.resilience.fleet.follower import Follower
from backend.resilience.fleet.permits import Permits
from backend.resilience.fleet.wire import Move
from backend.resilience.locks import RLock
from backend.resilience.testing import FakeClock


class View:
    """A breaker that follows whatever it is told."""

    def __init__(self):
        self.lock = RLock()
        self.record = BreakerRecord()
        self.adopted = []

    def adopt(self, record, *, final=False):
        self.adopted.append((record.state, record.generation, final))
        self.record = record

    def renumber(self, record):
        if record.generation > self.record.generation and record.state == self.record.state:
            self.record = record


class Pair:
    def __init__(self):
        self.clock = FakeClock()
        self.clock.advance(100)
        self.view = View()
        self.permits = Permits(self.clock)
        self.follower = Follower("me", self.view, self.permits, self.clock)

    def decide(self, state, generation, **fields):
        """The breaker has decided something."""
        fields.setdefault("changed_at", self.clock.now())
        self.view.record = BreakerRecord(state=state, generation=generation, **fields)
        return self.follower.decided(self.view.record)

    def told(self, state, generation, decision="you:1", **more):
        """What the server says of its record."""
        record = {"state": state, "generation": generation, "decision": decision, "changed_at": 9000, "open_ms": 5000}
        return {"record": {**record, "level": 0, "failures": 3, "reason": "refused"}, **more}

    def news(self, state, generation, decision="you:1", *, final=True, probing=False, **more):
        return self.follower.news(self.told(state, generation, decision, **more), 10_000, final=final, probing=probing)

    def follow(self, state, generation, decision="you:1"):
        move = self.news(state, generation, decision)
        self.follower.take_over(move, final=True)
        return move

    @property
    def moves(self):
        return [(move.record.state, move.record.generation) for move in self.follower.moves]


@pytest.fixture
def pair():
    return Pair()


# Own decisions


def test_a_break_is_told_and_remembered_as_what_a_probe_will_follow(pair):
    assert pair.decide("open", 1)
    assert pair.moves == [("open", 1)]
    assert pair.follower.opened is pair.follower.moves[0]
    assert pair.follower.opened.decision == "me:1"
    pair.decide("closed", 2)
    assert pair.follower.opened.decision == "me:1"


def test_half_open_is_not_told_unless_a_person_wanted_it(pair):
    pair.permits.granted(7, 5)
    assert not pair.decide("half_open", 1)
    assert (pair.moves, pair.permits.fences(), pair.follower.turns) == ([], [7], 0)
    assert pair.decide("half_open", 2, manual=True)
    assert (pair.moves, pair.permits.fences(), pair.follower.turns) == ([("half_open", 2)], [], 1)


def test_a_newer_decision_takes_the_place_of_an_older_one_and_its_permits(pair):
    pair.permits.granted(7, 5)
    pair.decide("closed", 1)
    pair.permits.granted(8, 5)
    pair.decide("open", 2)
    assert pair.moves == [("open", 2)]
    assert pair.follower.moves[0].fences == [7, 8]
    assert pair.permits.fences() == []


def test_what_a_person_decided_is_not_replaced_by_anything(pair):
    pair.decide("closed", 1, manual=True)
    pair.decide("open", 2)
    pair.decide("closed", 3, manual=True)
    assert pair.moves == [("closed", 1), ("open", 2), ("closed", 3)]


def test_the_newest_takes_the_place_of_the_one_before_it_and_not_of_a_persons(pair):
    pair.decide("closed", 1, manual=True)
    pair.decide("open", 2)
    pair.decide("closed", 3)
    assert pair.moves == [("closed", 1), ("closed", 3)]


def test_an_answer_takes_its_move_away_and_no_other(pair):
    pair.decide("closed", 1, manual=True)
    pair.decide("open", 2, manual=True)
    pair.follower.answered(pair.follower.moves[0])
    assert pair.moves == [("open", 2)]


def test_a_decision_is_as_old_as_its_change(pair):
    pair.decide("open", 1, changed_at=pair.clock.now() - timedelta(seconds=3))
    assert pair.follower.moves[0].since == 97
    pair.decide("open", 2, changed_at=None)
    assert pair.follower.moves[0].since == 100
    pair.decide("open", 3, changed_at=pair.clock.now() + timedelta(seconds=3))
    assert pair.follower.moves[0].since == 100, "never in the future"


# Where it stands without the server's word


def test_a_half_open_state_of_ones_own_stands_on_its_break(pair):
    assert pair.follower.standing() == {}
    pair.decide("half_open", 1)
    assert pair.follower.standing() == {}, "it follows no break that anybody knows"
    pair.decide("open", 2)
    assert pair.follower.standing() == {}
    pair.decide("half_open", 3)
    assert pair.follower.standing() == {"floor": 3, "base": "me:2"}


def test_a_half_open_state_of_the_fleet_stands_on_itself(pair):
    pair.follow("half_open", 4, "probe:you:4")
    assert pair.follower.standing() == {"floor": 4, "base": "probe:you:4"}


def test_a_half_open_state_that_a_person_wanted_stands_on_nothing(pair):
    pair.decide("half_open", 4, manual=True)
    assert pair.follower.standing() == {}


# What the server tells


def test_what_is_older_is_no_news(pair):
    pair.decide("open", 3)
    assert pair.news("closed", 2) is None
    assert pair.follower.news({}, 10_000, final=True) is None


def test_a_newer_number_is_news_from_a_message_and_from_an_answer(pair):
    for final in (True, False):
        move = pair.news("open", 1, final=final)
        assert (move.record.state, move.record.open_seconds, move.since) == ("open", 5.0, 99.0)


def test_of_two_moves_of_one_number_only_the_answer_says_which_holds(pair):
    pair.decide("open", 1)
    assert pair.news("disabled", 1, final=False) is None
    assert pair.news("disabled", 1).record.state == "disabled"
    assert pair.news("open", 1).decision == "you:1", "another break, with another end"


def test_ones_own_decision_by_a_newer_number_is_no_change(pair):
    pair.decide("open", 1)
    assert pair.news("open", 4, "me:1") is None
    assert pair.view.record.generation == 4
    assert pair.news("open", 4, "me:1") is None, "still one's own"
    assert pair.news("open", 6, "me:1", final=False) is None
    assert pair.view.record.generation == 6


@pytest.mark.parametrize("state", ["closed", "half_open"])
def test_two_alike_of_one_number_are_the_same(pair, state):
    pair.decide(state, 2)
    assert pair.news(state, 2) is None
    assert pair.follower._decision(pair.view.record) == "you:1"
    assert pair.news(state, 3, "you:2").record.generation == 3, "of another number they are not"


def test_a_prober_goes_on_in_the_half_open_state_that_the_server_has_made_of_its_own(pair):
    pair.decide("half_open", 2)
    assert pair.news("half_open", 5, probing=True) is None
    assert pair.view.record.generation == 5
    assert pair.news("open", 6, "you:2", probing=True).record.state == "open"
    pair.decide("closed", 7)
    assert pair.news("closed", 8, probing=True).record.generation == 8


def test_only_the_answer_to_a_prober_lets_a_half_open_state_go_on(pair):
    pair.decide("half_open", 2)
    assert pair.follower.news(pair.told("half_open", 5, "you:2"), 10_000, final=True).record.generation == 5


def test_a_number_that_the_breaker_did_not_take_over_is_not_remembered_as_followed(pair):
    pair.decide("open", 1)
    pair.view.renumber = lambda record: None
    assert pair.news("open", 4, "me:1") is None
    pair.decide("closed", 4)
    pair.follower.answered(pair.follower.moves[0])
    assert pair.follower.forgotten({}).decision == "me:4"


def test_how_long_others_hold_the_permits_is_noted_by_those_who_hold_none(pair):
    pair.news("half_open", 2, held=12_500)
    assert pair.permits.others_for() == 2.5
    pair.news("half_open", 3)
    pair.news("open", 4, held=30_000)
    assert pair.permits.others_for() == 2.5
    pair.permits.granted(7, 5)
    pair.news("half_open", 5, held=30_000)
    assert pair.permits.others_for() == 2.5


# Following


def test_a_move_that_was_overtaken_is_not_followed(pair):
    move = pair.news("open", 2)
    pair.decide("closed", 2)
    pair.follower.take_over(move, final=False)
    assert pair.view.adopted == []
    pair.follower.take_over(move, final=True)
    assert pair.view.adopted == [("open", 2, True)]
    pair.decide("closed", 3)
    pair.follower.take_over(move, final=True)
    assert len(pair.view.adopted) == 1


def test_who_follows_gives_up_its_own_moves_but_not_a_persons(pair):
    pair.decide("closed", 1, manual=True)
    pair.decide("open", 2)
    pair.follow("open", 5)
    assert pair.moves == [("closed", 1)]


def test_who_follows_remembers_a_break_and_only_that(pair):
    move = pair.follow("open", 2)
    assert pair.follower.opened is move
    pair.follow("closed", 3, "you:3")
    assert pair.follower.opened is move


@pytest.mark.parametrize(("state", "left"), [("half_open", 3.0), ("open", 0.0), ("closed", 0.0)])
def test_with_the_state_its_permits_are_over(pair, state, left):
    pair.permits.granted(7, 5)
    pair.permits.others_hold(3.0)
    turns = pair.follower.turns
    pair.follow(state, 2)
    assert (pair.permits.fences(), pair.permits.others_for(), pair.follower.turns) == ([], left, turns + 1)


# What the server has forgotten


def test_a_server_that_knows_as_much_gets_nothing(pair):
    pair.follow("open", 2)
    assert pair.follower.forgotten(pair.told("open", 2)) is None
    assert pair.follower.forgotten(pair.told("closed", 3)) is None
    assert Pair().follower.forgotten({}) is None


def test_a_server_that_knows_less_gets_what_is_followed_as_it_was_told(pair):
    move = pair.follow("open", 2)
    assert pair.follower.forgotten(pair.told("closed", 1)) is move
    assert pair.follower.forgotten({}) is move


def test_what_is_under_way_to_the_server_is_not_told_twice(pair):
    pair.decide("open", 2)
    assert pair.follower.forgotten({}) is None
    pair.follower.answered(pair.follower.moves[0])
    lost = pair.follower.forgotten({})
    assert (lost.decision, lost.record.generation, lost.since) == ("me:2", 2, 100)


def test_an_older_followed_move_is_not_told_for_a_newer_state_of_ones_own(pair):
    pair.follow("open", 2)
    pair.decide("closed", 3)
    pair.follower.answered(pair.follower.moves[0])
    assert pair.follower.forgotten({}).decision == "me:3"


def test_half_open_on_its_own_gives_back_its_break_if_that_is_what_is_missing(pair):
    pair.decide("half_open", 1)
    assert pair.follower.forgotten({}) is None, "there is no break that it follows"
    pair.decide("open", 2)
    pair.follower.answered(pair.follower.moves[0])
    pair.decide("half_open", 3)
    assert pair.follower.forgotten({}) is pair.follower.opened
    assert pair.follower.forgotten(pair.told("open", 2)) is None


def test_half_open_of_the_fleet_is_told_by_who_probes_not_by_who_waits(pair):
    move = pair.follow("half_open", 4)
    assert pair.follower.forgotten({}) is move
    pair.permits.others_hold(0.5)
    assert pair.follower.forgotten({}) is None
    pair.permits.granted(7, 5)
    assert pair.follower.forgotten({}) is move


# On the wire


def test_instants_travel_as_ages(pair):
    until = pair.clock.now() + timedelta(seconds=30)
    record = BreakerRecord("forced_open", 4, open_seconds=1.5, reason="token=hunter2", author="anna", until=until)
    told = Move(record, "me:4", 98.5).told(pair.clock)
    assert told == {
        "state": "forced_open",
        "generation": 4,
        "decision": "me:4",
        "age": 1500,
        "open_ms": 1500,
        "level": 0,
        "failures": 0,
        "reason": "token=[redacted]",
        "author": "anna",
        "until_in": 30_000,
    }
    plain = Move(BreakerRecord("open", 5, manual=True), "me:5", 101).told(pair.clock)
    assert (plain["age"], plain["manual"], "until_in" in plain, "author" in plain) == (0, True, False, False)
