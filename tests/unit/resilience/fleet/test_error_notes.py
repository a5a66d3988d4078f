"""What a worker tells of its errors, note by note, and what it makes of the answers."""

import json
from datetime import timedelta

import pytest

from backend.resilience.fleet.errors import FleetErrors
from backend.resilience.testing import FakeClock

MINUTE = 60_000


class Link:
    """Knows the server's time, if it is given one."""

    def __init__(self):
        self.ms = None

    def server_ms(self):
        return self.ms


class Told:
    def __init__(self):
        self.clock, self.link, self.wakes = FakeClock(), Link(), []
        self.link.ms = 10 * MINUTE
        self.errors = FleetErrors("errors", worker="me", link=self.link, wake=self.wakes.append, clock=self.clock)

    def note(self, kind="a", text="refused", place="/x", fingerprint="v1:f", context="{}"):
        self.errors.note(self.clock.now(), kind, text, place=place, fingerprint=fingerprint, context=context)

    def collect(self, poll=True):
        return next(iter(self.errors.collect(poll)), None)

    def notes(self):
        return {name: json.loads(text) for name, text in self.collect().args["notes"].items()}

    def answer(self, era="e1", since=1, more=False, news=()):
        self.errors._read({"era": era, "since": since, "more": more, "news": list(news)})

    def names(self):
        """The names that go out with the next exchange, which is answered."""
        names = list(self.collect().args["notes"])
        self.answer()
        return names


@pytest.fixture
def told():
    return Told()


def test_an_error_is_told_by_its_minute_among_the_newest_and_in_its_group(told):
    told.note()
    told.clock.advance(1)
    told.note(text="x" * 300, context='{"a": 1}')
    first, second = "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00"
    assert told.notes() == {
        "m:10:me": [{"a": 2}, {"/x": 2}],
        "r:0:me": [first, "a", "refused", "{}"],
        "r:1:me": [second, "a", "x" * 300, '{"a": 1}'],
        "g:v1:f:me": {"type": "a", "message": "refused", "count": 2, "first_seen": first, "last_seen": second},
    }


def test_a_question_tells_who_asks_where_it_stopped_and_what_the_board_may_hold(told):
    request = told.collect()
    assert (request.noun, request.name, request.operation) == ("board", "errors", "exchange")
    limits = {"batch": 200, "keep": 86_400_000, "most": 20_000}
    assert request.args == {"worker": "me", "notes": {}, "era": "", "since": 0, **limits}
    told.answer("e1", 7)
    assert (told.collect().args["era"], told.collect().args["since"]) == ("e1", 7)


def test_nothing_is_told_between_polls_but_what_did_not_fit(told):
    told.note()
    assert told.collect(poll=False) is None
    for number in range(190):
        told.note(fingerprint=f"v1:{number}")
    request = told.collect()
    assert (len(request.args["notes"]), told.wakes) == (200, [])
    request.done({"era": "e1", "since": 1, "more": False, "news": []})
    assert told.wakes == [0.0]
    rest = told.collect(poll=False)
    assert 0 < len(rest.args["notes"]) < 200
    told.answer()
    assert (told.collect(poll=False), told.wakes) == (None, [0.0])


def test_more_on_the_board_is_asked_for_at_once(told):
    told.collect()
    told.answer(more=True)
    assert told.wakes == [0.0]
    assert told.collect(poll=False) is not None
    assert told.collect(poll=False) is None


def test_what_had_no_reply_is_told_again_and_what_had_one_is_not(told):
    told.note()
    names = set(told.collect().args["notes"])
    assert set(told.collect().args["notes"]) == names
    told.answer()
    assert told.names() == []


def test_a_board_of_another_era_gets_all_again_and_the_first_one_does_not(told):
    told.note()
    names = set(told.names())
    assert told.names() == []
    told.collect()
    told.answer("e2")
    assert (set(told.collect().args["notes"]), told.wakes) == (names, [0.0])


def test_the_newest_fifty_errors_take_turns(told):
    for number in range(51):
        told.note(text=str(number))
    notes = told.notes()
    assert [notes[f"r:{slot}:me"][2] for slot in (0, 1, 49)] == ["50", "1", "49"]
    assert "r:50:me" not in notes


def test_a_minute_is_that_of_the_server_and_ones_own_where_it_is_not_known(told):
    told.link.ms = 11 * MINUTE - 1
    told.note()
    told.link.ms = 11 * MINUTE
    told.note()
    told.link.ms = None
    told.note()
    minutes = [name for name in told.notes() if name.startswith("m")]
    assert minutes == ["m:10:me", "m:11:me", "m:29453760:me"]


def test_minutes_and_groups_that_are_too_many_are_forgotten_the_oldest_first(told):
    for number in range(241):
        told.link.ms = number * MINUTE
        told.note(fingerprint=f"v1:{number}")
    assert (len(told.errors._minutes), next(iter(told.errors._minutes))) == (240, 1)
    assert (len(told.errors._groups), next(iter(told.errors._groups))) == (200, "v1:41")
    told.note(fingerprint="v1:41")
    told.note(fingerprint="v1:new")
    assert next(iter(told.errors._groups)) == "v1:43"
    assert "v1:41" in told.errors._groups


def test_what_was_forgotten_before_it_was_told_is_not_told(told):
    for number in range(241):
        told.link.ms = number * MINUTE
        told.note()
    names = []
    for _ in range(3):
        names += told.names()
    assert "m:0:me" not in names
    assert "m:1:me" in names


def test_a_group_shows_two_hundred_letters_of_its_message(told):
    told.note(text="x" * 300)
    assert told.notes()["g:v1:f:me"]["message"] == "x" * 200


def test_fifty_names_a_minute_are_told_apart_and_a_known_one_goes_on(told):
    for number in range(51):
        told.note(kind=f"k{number}", place="/x")
    told.note(kind="k0")
    kinds, places = told.notes()["m:10:me"]
    assert (len(kinds), kinds["other"], kinds["k0"], places) == (51, 1, 2, {"/x": 52})


def test_others_errors_are_counted_up_to_now(told):
    told.answer(news=[("m:9:you", '[{"a": 1}, {"/x": 1}]'), ("m:10:you", '[{"b": 1}, {}]')])
    told.link.ms = 10.5 * MINUTE
    assert told.errors.counts(60)[0] == {"a": 1, "b": 1}
    assert told.errors.counts(30)[0] == {"b": 1}
    assert told.errors.counts(60, 30)[0] == {"a": 1}
    assert told.errors.counts(60)[1] == {"/x": 1}


def test_others_newest_errors_are_those_of_the_last_seconds(told):
    def at(seconds):
        return (told.clock.now() - timedelta(seconds=seconds)).isoformat()

    news = [(f"r:{slot}:you", json.dumps([at(slot), "a", str(slot), "{}"])) for slot in (9, 10, 11)]
    told.answer(news=news)
    assert [entry["message"] for entry in told.errors.recent(10)] == ["9"]


def test_an_answer_may_have_no_news(told):
    told.errors._read({"era": "e1", "since": 1, "more": False, "news": None})
    assert told.errors.groups() == []


def test_messages_and_the_servers_absence_change_nothing(told):
    told.answer(news=[("m:9:you", '[{"a": 1}, {"/x": 1}]')])
    told.errors.hear({"kind": "record"})
    told.errors.alone()
    assert told.errors.counts(60)[0] == {"a": 1}
