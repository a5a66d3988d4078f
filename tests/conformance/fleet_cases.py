"""What breakers promise that several workers share over Redis; as in cases.py, a docstring is a line of the table.

Each case gets a Redis that is empty and well, and may freeze or kill it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import redis

from backend import runtime
from tests.conformance.cases import Down, fine, raising, together, together_probing
from tests.conformance.fleet_subjects import PATIENCE, Fleet, Worker
from tests.conformance.subjects import THRESHOLD
from tests.support.client import eventually
from tests.support.redis import RedisServer

Make = Callable[..., Fleet]
Case = Callable[[Make, RedisServer], None]
FLEET_CASES: list[Case] = []
LONG = 30.0


def case(func: Case) -> Case:
    """Add a case to the list."""
    FLEET_CASES.append(func)
    return func


def fail(fleet: Fleet, worker: Worker, times: int) -> None:
    for _ in range(times):
        with contextlib.suppress(Down, fleet.rejection):
            worker.call(raising(Down("down")))


def admits(fleet: Fleet, worker: Worker) -> bool:
    """Tell whether a call is made, which then fails."""
    calls: list[int] = []

    def func() -> None:
        calls.append(1)
        raise Down

    with contextlib.suppress(Down, fleet.rejection):
        worker.call(func)
    return bool(calls)


def opened(fleet: Fleet, workers: int) -> list[Worker]:
    """Return workers, one of which has tripped, and all of which know it."""
    made = [fleet.worker() for _ in range(workers)]
    settle(made)
    fail(fleet, made[0], fleet.threshold)
    eventually(lambda: all(worker.is_open() for worker in made), timeout=3)
    return made


def settle(workers: list[Worker]) -> None:
    """Let each of them find its way to Redis."""
    for worker in workers:
        worker.call(fine)
    time.sleep(0.2)


def commands(server: RedisServer) -> int:
    with redis.Redis.from_url(server.url) as client:
        return int(client.info("stats")["total_commands_processed"])


@case
def told_to_all(make: Make, server: RedisServer) -> None:
    """what trips in one worker is open in the others"""
    opened(make(server.url, timeout=LONG), 3)


@case
def added_up(make: Make, server: RedisServer) -> None:
    """three failures in each of eight workers are the twenty that open it"""
    fleet = make(server.url, timeout=LONG, threshold=20)
    workers = [fleet.worker() for _ in range(8)]
    settle(workers)
    for _ in range(3):
        for worker in workers:
            fail(fleet, worker, 1)
    eventually(lambda: all(worker.is_open() for worker in workers), timeout=3)


@case
def free_when_healthy(make: Make, server: RedisServer) -> None:
    """a healthy call asks Redis nothing"""
    worker = make(server.url).worker()
    settle([worker])
    before = commands(server)
    for _ in range(300):
        worker.call(fine)
    assert commands(server) - before < 30


@case
def free_when_open(make: Make, server: RedisServer) -> None:
    """nor does a rejection"""
    fleet = make(server.url, timeout=LONG)
    (worker,) = opened(fleet, 1)
    before = commands(server)
    assert not any(admits(fleet, worker) for _ in range(300))
    assert commands(server) - before < 30


@case
def one_probe(make: Make, server: RedisServer) -> None:
    """half-open admits one of twenty workers at once"""
    fleet = make(server.url, timeout=1.0)
    workers = opened(fleet, 20)
    turns = iter(workers)

    def in_turn(probe: Callable[[], None]) -> object:
        return next(turns).call(probe)

    time.sleep(1.1)
    assert len(together_probing(in_turn, callers=len(workers))) == 1


@case
def late_failures(make: Make, server: RedisServer) -> None:
    """failures of calls that began before the trip in another worker do not open it after its recovery"""
    fleet = make(server.url, timeout=0.3)
    late, other = fleet.worker(), fleet.worker()
    settle([late, other])
    ends: list[bool] = []

    def slow() -> None:
        while not ends:
            time.sleep(0.01)
        raise Down

    def run() -> None:
        with contextlib.suppress(Down, fleet.rejection):
            late.call(slow)

    tasks = [runtime.spawn(run) for _ in range(THRESHOLD)]
    time.sleep(0.05)
    fail(fleet, other, THRESHOLD)
    time.sleep(0.4)
    eventually(lambda: other.call(fine) == "fine" and not other.is_open(), timeout=2)
    eventually(lambda: late.call(fine) == "fine", timeout=2)
    ends.append(True)
    assert all(task.wait(3) for task in tasks)
    time.sleep(0.3)
    assert not late.is_open()
    assert not other.is_open()


@case
def names_apart(make: Make, server: RedisServer) -> None:
    """breakers of two names share nothing, whatever else is set"""
    fleet = make(server.url, timeout=LONG)
    one, other = fleet.worker("one", plain=True), fleet.worker("other", plain=True)
    settle([one, other])
    fail(fleet, one, THRESHOLD)
    time.sleep(0.3)
    assert one.is_open()
    assert admits(fleet, other)


@case
def decoding(make: Make, server: RedisServer) -> None:
    """a client that decodes what it reads is as good as any"""
    opened(make(server.url, timeout=LONG, decode=True), 2)


@case
def to_the_millisecond(make: Make, server: RedisServer) -> None:
    """a break of 0.9 s is not over after 0.3 s"""
    fleet = make(server.url, timeout=0.9)
    first, second = fleet.worker(), fleet.worker()
    settle([first, second])
    time.sleep((1.85 - time.time() % 1) % 1)  # late in a second, where cutting it off matters most
    fail(fleet, first, THRESHOLD)
    time.sleep(0.3)
    assert not any(admits(fleet, worker) for worker in (first, second))


@case
def clocks_apart(make: Make, server: RedisServer) -> None:
    """a worker whose clock is an hour ahead keeps to a break of 30 s"""
    fleet = make(server.url, timeout=LONG)
    first, ahead = fleet.worker(), fleet.worker(ahead=3600.0)
    settle([first, ahead])
    fail(fleet, first, THRESHOLD)
    eventually(ahead.is_open, timeout=3)
    assert not admits(fleet, ahead)


@case
def killed_while_open(make: Make, server: RedisServer) -> None:
    """Redis is killed during an outage: nobody closes"""
    fleet = make(server.url, timeout=LONG)
    workers = opened(fleet, 3)
    server.stop()
    assert not any(admits(fleet, worker) for _ in range(10) for worker in workers)


@case
def emptied_while_open(make: Make, server: RedisServer) -> None:
    """nor when it comes back empty"""
    fleet = make(server.url, timeout=LONG)
    workers = opened(fleet, 3)
    server.stop()
    server.start()
    ends = time.monotonic() + 2.5
    while time.monotonic() < ends:
        assert not any(admits(fleet, worker) for worker in workers)
        time.sleep(0.05)


@case
def gone_without_errors(make: Make, server: RedisServer) -> None:
    """without Redis calls go on, and no error of Redis reaches a caller"""
    fleet = make(server.url, timeout=LONG)
    worker = fleet.worker()
    settle([worker])
    server.stop()
    assert [worker.call(fine) for _ in range(5)] == ["fine"] * 5
    fail(fleet, worker, THRESHOLD + 1)


@case
def frozen_holds_up_nobody(make: Make, server: RedisServer) -> None:
    """a Redis that is frozen holds up no call"""
    fleet = make(server.url, timeout=LONG)
    worker = fleet.worker()
    settle([worker])
    server.freeze()
    began = time.monotonic()
    results = together(10, lambda: worker.call(fine))
    assert results == ["fine"] * 10
    assert time.monotonic() - began < PATIENCE


@case
def forced_for_all(make: Make, server: RedisServer) -> None:
    """forced open by hand in one worker it stays open in all"""
    fleet = make(server.url, timeout=0.2)
    workers = [fleet.worker() for _ in range(3)]
    settle(workers)
    workers[0].force_open()
    time.sleep(1.5)
    assert not any(admits(fleet, worker) for worker in workers)
