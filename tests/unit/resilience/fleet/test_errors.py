"""The errors of all workers, merged."""

import json
import sys

import pytest

from backend.resilience import ErrorAggregator
from backend.resilience.fleet import Fleet, MemoryServer
from backend.resilience.fleet.others_errors import OthersErrors, parts
from backend.resilience.testing import FakeClock


class Worker:
    def __init__(self, server, clock, name):
        self.fleet = Fleet(server, clock=clock, worker=name)
        self.shared = self.fleet.errors()
        self.aggregator = ErrorAggregator(shared=self.shared, clock=clock)
        self.record = self.aggregator.record_error
        self.exchange()

    def exchange(self):
        for _ in range(20):
            self.fleet.exchange.poll_soon()
            self.fleet.exchange.step()

    @property
    def total(self):
        return self.aggregator.get_error_stats()["total_errors"]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def server(clock):
    return MemoryServer(clock)


@pytest.fixture
def start(server, clock):
    return lambda name: Worker(server, clock, name)


def told(*workers):
    for worker in workers * 2:
        worker.exchange()


def test_counts_types_and_endpoints_are_added_up(start):
    one, two = start("one"), start("two")
    one.record("a", "x", {"endpoint": "/x"})
    two.record("b", "y", {"endpoint": "/x"})
    two.record("b", "y", {})
    told(one, two)
    for worker in (one, two):
        assert worker.aggregator.get_error_stats()["errors_by_type"] == {"b": 2, "a": 1}
        assert worker.aggregator.get_endpoint_stats() == {"/x": 2, "unknown": 1}
        assert [entry["count"] for entry in worker.aggregator.get_series(10, 2)] == [0, 3]


def test_ones_own_errors_are_not_counted_twice(start):
    one = start("one")
    one.record("a", "x")
    told(one)
    assert (one.total, len(one.aggregator.get_recent_errors())) == (1, 1)
    assert one.aggregator.get_groups()[0]["count"] == 1


def test_faults_of_one_type_that_differ_stay_apart(start):
    one, two = start("one"), start("two")
    one.record("a", "refused")
    one.record("a", "timed out")
    two.record("a", "timed out")
    told(one, two)
    assert sorted((group["message"], group["count"]) for group in two.aggregator.get_groups()) == [
        ("refused", 1),
        ("timed out", 2),
    ]


def test_a_worker_of_a_new_life_finds_what_it_knew(start, clock):
    one = start("one.1")
    one.record("a", "refused", {"endpoint": "/x"})
    told(one)
    first = one.aggregator.get_groups()[0]
    clock.advance(600)
    again = start("one.2")
    again.record("a", "refused")
    told(again)
    assert again.total == 2
    (group,) = again.aggregator.get_groups()
    assert (group["count"], group["first_seen"], group["fingerprint"]) == (2, first["first_seen"], first["fingerprint"])
    assert [entry["context"] for entry in again.aggregator.get_recent_errors()] == [{}, {"endpoint": "/x"}]


def test_what_is_older_than_the_window_is_not_counted(start, clock):
    one, two = start("one"), start("two")
    one.record("a", "x")
    told(one, two)
    clock.advance(3000)
    assert two.total == 1
    clock.advance(700)
    assert two.total == 0
    assert two.aggregator.get_recent_errors() == []
    assert two.aggregator.get_error_stats(240)["total_errors"] == 1


def test_counts_are_kept_for_four_hours(start, clock):
    one, two = start("one"), start("two")
    one.record("a", "x")
    told(one, two)
    clock.advance(242 * 60)
    told(two)
    assert two.shared.counts(10**6)[0].total() == 0


def test_a_board_that_was_lost_is_written_again(start, server, clock):
    one, two = start("one"), start("two")
    one.record("a", "x")
    two.record("a", "y")
    told(one, two)
    clock.advance(1)
    server.forget()
    told(one, two, one)
    three = start("three")
    assert (three.total, len(three.aggregator.get_groups()), len(three.aggregator.get_recent_errors())) == (2, 2, 2)


def test_more_notes_than_fit_into_one_exchange_arrive_all_the_same(start):
    one, two = start("one"), start("two")
    for number in range(180):
        one.record("a", "fault " + "x" * number)
    told(one, two)
    assert (two.total, len(two.aggregator.get_groups(500))) == (180, 180)
    assert len(two.aggregator.get_recent_errors(500)) == 50, "the newest"


def test_names_beyond_fifty_in_a_minute_are_counted_as_other(start):
    one, two = start("one"), start("two")
    for number in range(60):
        one.record(f"fault-{'x' * number}", "m", {"endpoint": f"/{'x' * number}"})
    told(one, two)
    stats = two.aggregator.get_error_stats()
    assert (stats["total_errors"], stats["errors_by_type"]["other"], len(stats["errors_by_type"])) == (60, 10, 51)
    assert two.aggregator.get_endpoint_stats()["other"] == 10


def test_memory_is_bounded_whatever_comes(start, server, clock):
    one = start("one")
    for number in range(3000):
        one.record(f"kind {'y' * (number % 97)}", "fault " + "x" * (number % 450), {"note": "z" * 1000})
        if number % 10 == 0:
            clock.advance(61)
            one.fleet.exchange.poll_soon()
            one.fleet.exchange.step()
    told(one)
    shared = one.shared
    assert (len(shared._minutes), len(shared._recent), len(shared._groups)) == (240, 50, 200)
    board = server._boards["errors"]
    assert len(board._notes) <= 20_000
    two = start("two")
    others = two.shared._others
    assert len(others._recent) <= 500
    assert len(others._groups) <= 2000
    assert sum(sys.getsizeof(text) for _, _, text in board._notes.values()) < 2_000_000


def test_a_note_that_is_none_is_passed_over():
    others = OthersErrors("me")
    good = ("g:v1:abc:you", json.dumps({"type": "a", "message": "m", "count": 1, "first_seen": "1", "last_seen": "2"}))
    bad = [("x", "1"), ("g:short", "{}"), ("g:a:you", "no json"), ("g:a:you", "{}"), ("m:x:you", "[{},{}]")]
    bad += [("m:1:you", "3"), ("r:1:you", '["a","b","c"]'), ("r:1:you", '["a","b","c","no json"]'), ("q:1:you", "[]")]
    others.read([*bad, good], 0)
    assert [group["fingerprint"] for group in others.groups()] == ["v1:abc"]
    assert others.recent("") == []
    assert others.counts(-(10**9), 10**9, 10**9)[0].total() == 0


def test_a_fingerprint_may_have_a_colon():
    assert parts("g:v1:abc:worker") == ("g", "v1:abc", "worker")
    with pytest.raises(ValueError, match="no note"):
        parts("g:worker")
