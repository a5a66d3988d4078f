"""The cache over a real Redis that freezes, dies and comes back, and over several processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from backend import runtime
from backend.cache.redis_tier import RedisTier, connect
from backend.cache.service import CacheService
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.testing import FakeClock
from tests.support.redis import RedisServer

pytestmark = pytest.mark.redis


@pytest.fixture
def clock() -> FakeClock:
    """Moves the breaker's and the cache's time; Redis and the timeouts run on the real one."""
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker(1, 10, name="redis", clock=clock)


@pytest.fixture
def cache(redis_server: RedisServer, clock: FakeClock, breaker: CircuitBreaker) -> Iterator[CacheService]:
    client = connect(redis_server.url, timeout=0.3)
    yield CacheService(shared=RedisTier(client, breaker, clock=clock), clock=clock, trust=0.0)
    client.close()


def seconds_for(times: int, cache: CacheService) -> float:
    began = time.perf_counter()
    for _ in range(times):
        cache.get("k")
    return time.perf_counter() - began


@pytest.mark.parametrize("how", ["freeze", "stop"])
def test_redis_gone_costs_its_timeout_once_a_break(
    redis_server: RedisServer, cache: CacheService, clock: FakeClock, how: str
) -> None:
    """A thousand questions during the break cost less than that one timeout, and none fails."""
    cache.set("k", 1)
    getattr(redis_server, how)()
    assert seconds_for(1, cache) < 1.5
    assert seconds_for(1000, cache) < 0.3
    assert cache.get("k") == 1
    assert cache.check()["status"] == "degraded"
    clock.advance(11)
    assert seconds_for(1000, cache) < 1.5  # one of them found out that it is still gone
    assert cache.get("k") == 1


def test_redis_that_comes_back_is_used_again(redis_server: RedisServer, cache: CacheService, clock: FakeClock) -> None:
    """After the break, by itself; also if it comes back empty."""
    cache.set("k", 1)
    redis_server.stop()
    assert cache.get_or_compute("other", lambda: 2).value == 2
    cache.invalidate("k")
    redis_server.start()
    clock.advance(11)
    assert cache.check() == {"status": "healthy"}
    assert (cache.get("k"), cache.get_stale("k")) == (None, 1)
    assert cache.get_or_compute("k", lambda: 3).value == 3
    assert cache.get("k") == 3


def test_a_redis_that_freezes_during_a_computation_does_not_lose_its_value(
    redis_server: RedisServer, cache: CacheService
) -> None:
    """The value reaches whoever waits for it."""

    def compute() -> str:
        redis_server.freeze()
        return "value"

    assert cache.get_or_compute("k", compute).value == "value"
    assert cache.get("k") == "value"


def test_what_is_no_envelope_is_a_miss(redis_server: RedisServer, cache: CacheService, clock: FakeClock) -> None:
    """Another program's key, or half a one of ours: computed anew and replaced, without opening the breaker."""
    client = connect(redis_server.url)
    entry = "jupiter:cache:entry:k"
    for damage in (
        lambda: client.set(entry, "text"),
        lambda: client.hset(entry, "body", "1"),
        lambda: client.hset(entry, mapping={"body": "1", "fresh_until": "x", "meta": "[1]"}),
        lambda: client.hset(entry, mapping={"body": "1", "fresh_until": "1", "meta": "not json"}),
        lambda: client.hset(entry, mapping={"body": '{"a', "fresh_until": "9e9", "meta": '[1,9e9,0,[],false,"etag"]'}),
    ):
        client.delete(entry)
        damage()
        assert (
            CacheService(shared=RedisTier(client, clock=clock), clock=clock).get_or_compute("k", lambda: 7).value == 7
        )
        assert cache.get("k") == 7
    client.close()


PROGRAM = """
import json, sys
from backend import runtime
runtime.patch()
from backend.cache.redis_tier import RedisTier, connect
from backend.cache.service import CacheService

client = connect(sys.argv[1], timeout=5)
cache = CacheService(shared=RedisTier(client, timeout=10), max_wait=60)

def compute():
    number = client.incr("computed")
    runtime.sleep(0.5)
    return {"n": number}

states, values = [], set()

def ask():
    answer = cache.get_or_compute("k", compute)
    states.append(answer.state)
    values.add(answer.value["n"])

print("ready", flush=True)
sys.stdin.readline()
tasks = [runtime.spawn(ask) for _ in range(250)]
assert all(task.wait(60) for task in tasks)
print(json.dumps([len(states), sorted(values)]), flush=True)
"""


def test_a_thousand_who_wait_in_four_processes_cause_one_computation(redis_server: RedisServer) -> None:
    """One lease over all of them; everybody gets the same value."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, redis_server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    outputs = []
    tasks = [runtime.spawn(lambda worker=worker: outputs.append(worker.communicate("\n", 60)[0])) for worker in workers]
    assert all(task.wait(60) for task in tasks)
    assert [json.loads(output) for output in outputs] == [[250, [1]]] * 4
    client = connect(redis_server.url)
    assert client.get("computed") == b"1"
    client.close()
