"""A real redis-server that is frozen, killed, restarted empty, flushed or full, in the middle of an outage."""

import time

import pytest
import redis

from tests.support.fleet_processes import Workers

pytestmark = [pytest.mark.redis, pytest.mark.timeout(180)]
LONG = {"timeout": 3600}
BREAKERS = {"shut": {"failure_threshold": 3, **LONG}, "shaky": {"failure_threshold": 5, **LONG}, "well": LONG}
BREAKERS["forced"] = LONG


def freeze(server):
    server.freeze()


def kill(server):
    server.stop()


def flush(server):
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


def evict(server):
    """Take away the keys one by one, as a memory limit would."""
    with redis.Redis.from_url(server.url) as client:
        for key in client.scan_iter():
            client.delete(key)
            time.sleep(0.02)


def fill(server):
    """No write is taken any more."""
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 1)


def thaw(server):
    server.thaw()


def start_again(server):
    server.start()


def make_room(server):
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 0)


def nothing(server):
    """It is back already."""


TROUBLES = {
    "frozen": (freeze, thaw),
    "killed and empty when it returns": (kill, start_again),
    "flushed": (flush, nothing),
    "evicted": (evict, nothing),
    "full": (fill, make_room),
}
AWAY = ("frozen", "killed and empty when it returns", "full")
PATIENT = {"timeout": 5.0}  # so that a busy machine is not taken for a Redis that is away
QUIET = 30.0


@pytest.fixture
def fleet(request, redis_server):
    frozen = "frozen" in request.node.name  # which can be told from one that is late by its silence alone
    with Workers(4) as workers:
        workers.join(redis_server.url, timing=None if frozen else PATIENT, **BREAKERS)
        workers[1].call(name="shut", fails=True, times=3)
        workers.agree("shut", "open")
        workers[2].decide(name="forced", what="force_open", reason="maintenance", author="anna")
        workers.agree("forced", "forced_open")
        workers.all("call", name="shaky", fails=True)
        workers.all("changes")
        yield workers


def calls_go_on(workers):
    """Nothing raises what it must not, and nobody waits for Redis."""
    for name, fails, key in (("shut", False, "rejected"), ("forced", False, "rejected"), ("well", False, "ok")):
        for told in workers.all("call", name=name, fails=fails, times=20):
            assert (told[key], told["other"]) == (20, 0)
            assert told["longest"] < 0.5, "a call waited"


def nothing_has_moved(workers, before):
    after = {name: [state[1] for state in workers.states(name)] for name in BREAKERS}
    assert after == before
    assert workers.all("changes") == [[[]]] * len(workers), "a listener was told of a change that was none"


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_with_redis_changes_no_state_and_is_mended_by_itself(name, redis_server, fleet):
    trouble, remedy = TROUBLES[name]
    before = {each: [state[1] for state in fleet.states(each)] for each in BREAKERS}
    trouble(redis_server)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        calls_go_on(fleet)
        time.sleep(0.1)
    nothing_has_moved(fleet, before)
    logged = [[], [], [], []]

    def told():
        for lines, new in zip(logged, fleet.all("log"), strict=True):
            lines.extend(new)
        return all(logged)

    away = name in AWAY
    fleet.until(lambda: fleet.all("connected") == [[not away]] * 4, "they have not noticed, or did not come back")
    if away:
        fleet.until(told, lambda: f"not all have told of it: {logged}")
    told()
    assert [len(lines) for lines in logged] == [1 if away else 0] * 4, logged
    assert all("Redis does not answer" in text for lines in logged for _, _, text in lines)

    remedy(redis_server)
    fleet.until(lambda: fleet.all("connected") == [[True]] * 4, "they did not come back", 30)
    time.sleep(1.5)
    calls_go_on(fleet)
    nothing_has_moved(fleet, before)
    with Workers(1) as new:  # one that knows nothing learns what the fleet knew
        new.join(redis_server.url, timing=PATIENT, **BREAKERS)
        new.agree("shut", "open")
        new.agree("forced", "forced_open")
    told()
    for lines in logged:
        assert all(at - lines[0][0] >= QUIET for at, _, _ in lines[1:]), f"a second line within {QUIET} s"
        assert away or not lines, lines


def test_what_a_worker_decides_while_redis_is_away_is_everybodys_when_it_returns(redis_server, fleet):
    redis_server.stop()
    fleet.until(lambda: fleet.all("connected") == [[False]] * 4, "they have not noticed")
    fleet[0].call(name="shaky", fails=True, times=5)
    fleet[3].decide(name="shut", what="reset", reason="mended", author="berta")
    assert [each[1] for each in fleet.states("shaky")] == ["open", "closed", "closed", "closed"]
    redis_server.start()
    fleet.agree("shaky", "open", 15)
    fleet.agree("shut", "closed", 15)
    newest = fleet[1].audit()[0]
    assert (newest["author"], newest["state"]) == ("berta", "closed")


def test_failures_are_still_counted_together_after_an_outage_of_redis(redis_server, fleet):
    redis_server.stop()
    fleet.until(lambda: fleet.all("connected") == [[False]] * 4, "they have not noticed")
    redis_server.start()
    fleet.until(lambda: fleet.all("connected") == [[True]] * 4, "they did not come back", 30)
    fleet[0].call(name="shaky", fails=True)  # four before the outage, one now
    fleet.agree("shaky", "open")


def test_a_probe_while_redis_is_frozen_waits_no_longer_than_the_time_of_an_exchange(redis_server):
    with Workers(2) as workers:
        workers.join(redis_server.url, feed={"failure_threshold": 1, "timeout": 0.5})
        workers[0].call(name="feed", fails=True)
        workers.agree("feed", "open")
        redis_server.freeze()
        time.sleep(0.6)
        began = time.monotonic()
        (told,) = {told["ok"] for told in workers.all("call", name="feed", fails=False)}
        assert told == 1, "without a server each probes by its own view"
        assert time.monotonic() - began < 3
        redis_server.thaw()
        workers.agree("feed", "closed")


def test_a_worker_that_stood_still_takes_over_what_it_has_missed(redis_server, fleet):
    fleet[3].freeze()
    fleet[0].call(name="shaky", fails=True, times=5)
    fleet[1].decide(name="shut", what="reset", reason="mended", author="berta")
    Workers.of(fleet[:3]).agree("shaky", "open")
    fleet[3].thaw()
    fleet.agree("shaky", "open")
    fleet.agree("shut", "closed")
