"""A process's membership: what it hands out, how it begins and how it ends."""

from datetime import datetime

import pytest

from backend import runtime
from backend.resilience.fleet import Fleet, MemoryServer, connect
from backend.resilience.fleet.server import ServerAwayError
from backend.resilience.fleet.timing import Timing
from backend.resilience.testing import FakeClock

ENTRY = {"at": 1_767_225_600_000, "name": "feed", "state": "disabled", "generation": 1, "reason": "x", "worker": "w1"}


class Server(MemoryServer):
    """One that tells what it is asked for, and can be away."""

    def __init__(self, clock):
        super().__init__(clock)
        self.limits, self.closed, self.error = [], 0, None

    def audit(self, limit):
        self.limits.append(limit)
        if self.error:
            raise self.error
        return [{**ENTRY, "until": 1_767_225_601_500, "author": "anna"}, ENTRY, *[ENTRY] * 60][:limit]

    def close(self):
        self.closed += 1


class Task:
    def __init__(self, *func):
        self.func, self.told = func, []

    def wait(self, seconds):
        self.told.append(seconds)

    def kill(self):
        self.told.append("killed")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def server(clock):
    return Server(clock)


@pytest.fixture
def fleet(server, clock):
    return Fleet(server, clock=clock, worker="me")


def test_a_worker_has_the_name_that_it_is_given_or_one_of_its_own(server, fleet):
    names = {Fleet(server).worker for _ in range(3)}
    assert (fleet.worker, len(names), {len(name) for name in names}) == ("me", 3, {12})


def test_it_is_connected_when_the_server_has_answered(fleet, server):
    assert not fleet.connected
    fleet.errors()
    assert fleet.exchange.step()
    assert fleet.connected


def test_timing_is_the_default_or_what_is_given(fleet, server):
    assert fleet.timing == Timing()
    assert Fleet(server, timing=Timing(poll=7)).timing.poll == 7


def test_a_budget_allows_a_fifth_and_three_unless_told_otherwise(fleet):
    plain, other = fleet.budget("feed"), fleet.budget("other", 0.5, 7)
    assert (plain.ratio, plain.minimum) == (0.2, 3)
    assert (other.ratio, other.minimum) == (0.5, 7)


def test_who_joins_is_asked_at_once(fleet):
    fleet.errors()
    fleet.exchange.step()
    assert fleet.exchange.pause() == 1.0
    fleet.budget("feed")
    assert fleet.exchange.pause() == 0.0
    assert set(fleet.exchange.members) == {("board", "errors"), ("budget", "feed")}


def test_errors_have_a_name_of_their_own_too(fleet):
    fleet.errors()
    with pytest.raises(ValueError, match="a name of its own"):
        fleet.errors()
    assert fleet.errors("others") is fleet.exchange.members["board", "others"]


def test_decisions_are_shown_with_their_times(fleet):
    first, second = fleet.audit(2)
    assert first["at"] == "2026-01-01T00:00:00+00:00"
    assert datetime.fromisoformat(first["until"]).timestamp() == 1_767_225_601.5
    assert (first["author"], second["author"], second["until"]) == ("anna", None, None)


def test_fifty_decisions_are_shown_where_nobody_says_how_many(fleet, server):
    assert (len(fleet.audit()), server.limits) == (50, [50])


@pytest.mark.parametrize("error", [ServerAwayError("refused"), TimeoutError()])
def test_what_was_read_last_is_shown_while_the_server_is_away(fleet, server, error):
    assert fleet.audit(3)[0]["author"] == "anna"
    server.error = error
    assert [entry["author"] for entry in fleet.audit(2)] == ["anna", None]
    assert fleet.exchange.link.wait() == 1.0


def test_nobody_waits_for_decisions_longer_than_for_an_exchange(fleet, monkeypatch):
    asked = []
    monkeypatch.setattr(runtime, "call_with_timeout", lambda seconds, func, *args: asked.append(seconds) or func(*args))
    fleet.audit(1)
    assert asked == [0.5]


def test_it_begins_with_two_tasks_and_ends_them_when_all_is_said(fleet, server):
    tasks = []

    def spawn(*func):
        tasks.append(Task(*func))
        return tasks[-1]

    fleet.start(spawn)
    assert [task.func for task in tasks] == [(fleet.exchange.run,), (fleet.exchange.listen,)]
    fleet.stop()
    assert [task.told for task in tasks] == [[1.0, "killed"], [0.0, "killed"]]
    assert (fleet.exchange._stopped.is_set(), server.closed) == (True, 1)
    fleet.stop()
    assert [len(task.told) for task in tasks] == [2, 2]


def test_what_listeners_may_hold_up_runs_beside_once_there_is_something_to_run_it_with(fleet):
    got, spawned = [], []
    fleet._run(lambda *args, **more: got.append((args, more)), 1, two=2)
    assert got == [((1,), {"two": 2})]
    fleet.start(lambda func, *args, **more: spawned.append((func, args, more)))
    fleet._run(got.append, 3, four=4)
    assert spawned[-1] == (got.append, (3,), {"four": 4})
    assert len(got) == 1


def test_a_fleet_on_redis_is_of_an_installation_and_connects_when_it_is_started(clock):
    made = connect("redis://127.0.0.1:1/0", installation="shop", clock=clock, timing=Timing(timeout=0.25))
    assert made._server._channel == "jupiter:{shop}:news"
    assert (made._clock, made.timing.timeout, made._server._timing.timeout) == (clock, 0.25, 0.25)
    assert made._server._client.connection_pool.connection_kwargs["socket_timeout"] == 0.25
    plain = connect("redis://127.0.0.1:1/0")
    assert (plain._server._channel, plain.timing) == ("jupiter:{main}:news", Timing())
