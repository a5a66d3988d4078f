"""The arbiter of one breaker in the corners: what is just known still, just over, just told."""

import pytest

from tests.unit.resilience.fleet.test_arbiter import BUCKET, OPEN, SYNC, Asked

WINDOW = SYNC | {"limits": {"minimum_calls": 5, "failure_rate": 0.5}}


@pytest.fixture
def ask():
    return Asked()


def test_a_persons_decision_is_known_again_until_sixteen_newer_ones_were_made(ask):
    for number in range(17):
        ask.propose(manual=True, author="anna", decision=f"w1:{number}")
    ask.propose(manual=True, author="anna", decision="w1:1")
    assert len(ask.audit) == 17
    ask.propose(manual=True, author="anna", decision="w1:0")
    assert len(ask.audit) == 18


def test_decisions_of_people_are_read_newest_first(ask):
    for name in ("anna", "berta", "clara"):
        ask.propose(manual=True, author=name, decision=f"w1:{name}")
    assert [entry["author"] for entry in ask.audit] == ["clara", "berta", "anna"]


def test_what_is_retold_by_the_same_number_is_told_to_nobody(ask):
    ask.propose()
    assert ask.propose()["accepted"]
    assert (ask.kinds, ask.number) == (["record"], 1)


def test_one_who_stands_at_the_same_number_with_another_decision_is_lifted_over(ask):
    ask.propose()
    ask("sync", "w2", floor=1, base="w2:1")
    assert ask.number == 2


def test_a_break_that_comes_with_the_question_is_not_taken_by_the_same_number(ask):
    ask.propose()
    assert ask.lease("w2", record={**OPEN, "decision": "w2:1", "age": 1000})["wait"] == 1000
    assert ask.arbiter.record["decision"] == "w1:1"


def test_a_break_that_comes_with_the_question_is_taken_when_the_probe_has_had_its_time(ask):
    ask.half_open()
    later = {**OPEN, "decision": "w2:5", "generation": 5}
    ask.now += 499
    assert ask.lease("w2", record=later)["record"]["state"] == "half_open"
    ask.now += 1
    assert (ask.lease("w2", record=later)["wait"], ask.arbiter.record["decision"]) == (1000, "w2:5")


def test_what_came_of_a_probe_after_its_time_decides_nothing(ask):
    fence = ask.half_open()
    ask.now += 500
    assert not ask.propose("w1", decision="w1:2", generation=2, fences=[fence])["accepted"]


def test_a_permit_that_a_forgetful_server_gives_anew_is_the_only_one(ask):
    ask.propose(state="half_open")
    assert ask("renew", fence=9, lease=500, generation=1)["held"] == ask.now + 500


def test_successes_take_their_place_among_the_permits(ask):
    fence = ask.half_open(permits=2)
    ask("release", fence=fence, succeeded=True, permits=2)
    assert ask.lease("w2", permits=2)["granted"]
    assert "fence" not in ask("renew", "w3", fence=9, lease=500, generation=2, permits=2)
    assert ask.lease("w3", permits=2)["wait"] == 500


def test_where_successes_alone_fill_the_permits_there_is_no_time_to_wait_for(ask):
    fence = ask.half_open(permits=2)
    ask("release", fence=fence, succeeded=True, permits=2)
    reply = ask.lease("w2", permits=1)
    assert (reply["granted"], reply["wait"], "held" in reply) == (False, 0, False)


def test_a_closed_circuit_has_neither_a_break_nor_a_level_nor_failures(ask):
    fence = ask.half_open()
    half = ask.arbiter.record
    ask("release", fence=fence, succeeded=True)
    closed = ask.arbiter.record
    assert (half["open_ms"], half["failures"], half["level"]) == (0, 3, 0)
    assert (closed["open_ms"], closed["failures"], closed["level"]) == (0, 0, 0)


def test_a_trip_is_a_first_break_that_tells_how_many_and_why(ask):
    for worker in ("w1", "w2", "w3"):
        ask.sync(worker)
    ask.now += 150
    ask("sync", "w3", generation=0, bucket=BUCKET, reason="refused", **SYNC)
    tripped = ask.arbiter.record
    assert (tripped["reason"], tripped["level"]) == ("3 failures in the fleet, last: refused", 0)
    assert tripped["open_ms"] == 1000


def test_a_trip_without_a_last_error_names_none(ask):
    ask.sync("w1", calls=3, failures=3)
    ask.now += 150
    ask.sync("w1", calls=3, failures=3)
    assert ask.arbiter.record["reason"] == "3 failures in the fleet"


def test_that_failures_are_enough_is_told_once(ask):
    for worker in ("w1", "w2", "w3"):
        ask.sync(worker)
    ask.kinds  # noqa: B018 - takes them
    ask.now += 100
    ask.sync("w2")
    assert ask.messages == []


def test_failing_begins_anew_with_each_generation(ask):
    ask.sync("w1")
    ask.propose(state="closed")
    ask.kinds  # noqa: B018 - takes them
    ask.sync("w1", generation=1, run=1)
    assert ask.kinds == ["counts"]


def test_who_need_not_wait_for_failures_to_settle_asks_again_in_a_moment(ask):
    args = {**SYNC, "settle": 0}
    assert ask("sync", generation=0, bucket=BUCKET | {"failures": 3}, **args)["wait"] == 1


def test_counts_in_windows_are_told_only_when_they_are_enough(ask):
    ask("sync", generation=0, bucket=BUCKET, **WINDOW)
    assert ask.messages == []
    ask("sync", generation=0, bucket=BUCKET | {"calls": 5, "failures": 4}, **WINDOW)
    assert ask.kinds == ["counts"]


def test_counts_in_windows_are_forgotten_with_their_generation(ask):
    ask("sync", generation=0, bucket=BUCKET, **WINDOW)
    ask.propose(state="closed")
    assert ask("sync", "w2", generation=1, bucket=BUCKET, **WINDOW)["others"]["failures"] == 0
