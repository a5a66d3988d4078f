"""Several worker processes and a real redis-server: counting together, one probe, who knows what when."""

import statistics
import time

import pytest
import redis

from tests.support.fleet_processes import Workers

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]
NEVER = {"failure_threshold": 10**6, "timeout": 3600}


@pytest.fixture(scope="module")
def eight():
    with Workers(8) as made:
        yield made


@pytest.fixture
def client(shared_redis):
    with redis.Redis.from_url(shared_redis.url) as made:
        made.flushall()
        yield made


@pytest.fixture
def joined(eight, shared_redis, client):
    """Let the eight join with the given breakers, and leave at the end."""

    def join(**breakers):
        eight.join(shared_redis.url, **breakers)
        return eight

    yield join
    eight.all("leave")


def test_three_failures_in_each_of_eight_workers_open_a_breaker_that_none_would_open_alone(joined):
    workers = joined(feed={"failure_threshold": 24, "timeout": 3600}, larger={"failure_threshold": 25, "timeout": 3600})
    for name in ("feed", "larger"):
        assert [told["failed"] for told in workers.all("call", name=name, fails=True, times=3)] == [3] * 8
    workers.agree("feed", "open")
    assert workers.states("feed")[0][2] == 24
    assert workers.states("feed")[0][4].startswith("24 failures in the fleet")
    assert {state[1] for state in workers.states("larger")} == {"closed"}, "24 are not 25"
    assert [told["rejected"] for told in workers.all("call", name="feed", fails=False)] == [1] * 8


def test_rates_of_all_workers_together_open_a_breaker_with_a_window(joined):
    workers = joined(feed={"timeout": 3600, "window": {"size": 50, "failure_rate": 0.5, "minimum_calls": 30}})
    workers.all("call", name="feed", fails=False, times=1)
    workers.all("call", name="feed", fails=True, times=3)
    workers.agree("feed", "open")


def test_a_success_anywhere_ends_the_run_of_failures_everywhere(joined):
    workers = joined(feed={"failure_threshold": 20, "timeout": 3600})
    for number in range(1, 4):
        workers.all("call", name="feed", fails=True, times=2)
        counted(workers[:1], 16)
        workers[0].call(name="feed", fails=False)
        counted(workers[:1], 0)
        counted(workers[1:], 2 * number)  # its own, which would open the circuit as they would in one process
    assert {tuple(state[:2]) for state in workers.states("feed")} == {(0, "closed")}, "48 failures, never 20 in a row"


def counted(workers, failures):
    """Wait until these know of so many failures that count."""

    def told():
        return [state[2] for worker in workers for state in worker.states(name="feed")]

    Workers.until(lambda: set(told()) == {failures}, lambda: str(told()))


def test_a_trip_is_known_to_every_worker_soon(joined):
    """The target, 50 ms at p99, is what the benchmark measures; a busy machine makes any bound on a tail a lie."""
    workers = joined(feed={"failure_threshold": 5, "timeout": 3600})
    took = []
    for number in range(30):
        workers.all("changes")
        began = workers[number % 8].call(name="feed", fails=True, times=5)["at"]
        workers.agree("feed", "open")
        told = [change for member in workers.all("changes") for changes in member for change in changes]
        assert [change[1:3] for change in told] == [["closed", "open"]] * 8
        took += [change[3] - began for change in told]
        workers[0].decide(name="feed", what="reset")
        workers.agree("feed", "closed")
    assert statistics.median(took) < 0.5


def test_neither_healthy_calls_nor_rejections_ask_redis(joined, client):
    workers = joined(well={"timeout": 3600}, shut={"failure_threshold": 1, "timeout": 3600})
    workers[0].call(name="shut", fails=True)
    workers.agree("shut", "open")

    def asked(name, times):
        """Return the commands that the workers sent while they called, and for how long they did."""
        began, before = time.monotonic(), sent(client)
        counts = workers.all("call", name=name, fails=False, times=times)
        return sent(client) - before, time.monotonic() - began, counts

    for name, key in (("well", "ok"), ("shut", "rejected")):
        commands, seconds, counts = asked(name, 5000)
        assert sum(told[key] for told in counts) == 40_000
        assert commands <= 8 * 4 * (seconds + 1), "no more than the polls of the background"


def test_the_background_of_an_idle_worker_asks_once_a_second(joined, client):
    joined(well=NEVER)
    time.sleep(1.0)
    began, before = time.monotonic(), sent(client)
    time.sleep(4.0)
    exchanges = (sent(client) - before) / 8 / (time.monotonic() - began)
    assert exchanges < 4.5, "a breaker, a budget and a board, once a second"


def sent(client):
    """Scripts that were asked for, since the server started."""
    return sum(told["calls"] for name, told in client.info("commandstats").items() if name.startswith("cmdstat_eval"))


def test_overrides_are_of_the_fleet_and_are_written_down(joined):
    workers = joined(feed={"timeout": 3600})
    workers[2].decide(name="feed", what="force_open", reason="maintenance", author="anna", seconds=600)
    workers.agree("feed", "forced_open")
    assert [told["rejected"] for told in workers.all("call", name="feed", fails=False)] == [1] * 8
    assert {(state[3], state[4]) for state in workers.states("feed")} == {("anna", "maintenance")}
    workers[5].decide(name="feed", what="disable", reason="it lies", author="berta")
    workers.agree("feed", "disabled")
    workers[7].decide(name="feed", what="reset", reason="mended", author="carla")
    workers.agree("feed", "closed")
    audit = workers[0].audit()
    assert [(entry["author"], entry["state"], entry["reason"]) for entry in audit] == [
        ("carla", "closed", "mended"),
        ("berta", "disabled", "it lies"),
        ("anna", "forced_open", "maintenance"),
    ]
    assert audit[2]["until"] > audit[2]["at"]


def test_an_override_ends_for_all_when_its_time_is_up(joined):
    workers = joined(feed={"timeout": 3600})
    workers[0].decide(name="feed", what="force_open", reason="a moment", author="anna", seconds=6.0)
    workers.agree("feed", "forced_open")
    workers.until(lambda: workers[3].call(name="feed", fails=False)["ok"] == 1, "it never ended", 30)
    workers.agree("feed", "closed")
