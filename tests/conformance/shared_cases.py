"""What must hold when several workers share a breaker over Redis: a function a promise, as in `cases`."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import redis

from backend import runtime
from tests.conformance.cases import Down, fine, raising, together, together_probing
from tests.conformance.shared_subjects import Worker
from tests.conformance.subjects import THRESHOLD
from tests.support.redis import RedisServer

CASES: list[Callable[[Fleet], None]] = []


class Fleet:
    """Workers of one library on a Redis of their own."""

    def __init__(self, kind: type[Worker], server: RedisServer) -> None:
        self.kind = kind
        self.server = server
        self.workers: list[Worker] = []

    def worker(self, **options: Any) -> Worker:
        """Return one more worker, which has made a call: some begin to listen with it."""
        worker = self.kind(self.server.url, **options)
        self.workers.append(worker)
        worker.call(fine)
        return worker

    def commands(self) -> int:
        """Return how many commands the Redis has carried out."""
        with redis.Redis.from_url(self.server.url) as client:
            return int(client.info("stats")["total_commands_processed"])


@contextlib.contextmanager
def fleet(kind: type[Worker]) -> Iterator[Fleet]:
    """Start a Redis for the workers of a library, and end both."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        made = Fleet(kind, server)
        try:
            yield made
        finally:
            for worker in made.workers:
                worker.stop()
            server.stop()


def case(func: Callable[[Fleet], None]) -> Callable[[Fleet], None]:
    """Add a case to the list."""
    CASES.append(func)
    return func


def fail(worker: Worker, times: int = THRESHOLD) -> None:
    for _ in range(times):
        with contextlib.suppress(Down, worker.rejection):
            worker.call(raising(Down()))


def is_rejected(worker: Worker) -> bool:
    calls: list[int] = []
    with contextlib.suppress(worker.rejection):
        worker.call(lambda: calls.append(1))
    return not calls


def soon(condition: Callable[[], bool], seconds: float = 1.0) -> bool:
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.005)
    return condition()


def _exchanges(fleet: Fleet, call: Callable[[], object], times: int = 200) -> int:
    time.sleep(0.3)  # for what is told in the background
    before = fleet.commands()
    for _ in range(times):
        call()
    return fleet.commands() - before


@case
def nothing_asked_when_well(fleet: Fleet) -> None:
    """a healthy call asks Redis nothing"""
    worker = fleet.worker()
    assert _exchanges(fleet, lambda: worker.call(fine)) < 100


@case
def nothing_asked_when_open(fleet: Fleet) -> None:
    """nor does a rejection"""
    worker = fleet.worker(timeout=30.0)
    fail(worker)
    assert _exchanges(fleet, lambda: is_rejected(worker)) < 100


@case
def trip_is_told(fleet: Fleet) -> None:
    """when one worker trips, the others reject a moment later"""
    first, second = fleet.worker(timeout=30.0), fleet.worker(timeout=30.0)
    time.sleep(0.3)
    fail(first)
    assert soon(second.is_open, 0.5)
    assert is_rejected(second)


@case
def failures_add_up(fleet: Fleet) -> None:
    """failures of several workers add up"""
    workers = [fleet.worker(timeout=30.0) for _ in range(THRESHOLD)]
    time.sleep(0.3)
    for worker in workers:
        fail(worker, 1)
    assert soon(workers[0].is_open)


@case
def one_probe_of_all(fleet: Fleet) -> None:
    """half-open admits one call of twenty workers at once"""
    workers = [fleet.worker() for _ in range(20)]
    time.sleep(0.3)
    fail(workers[0])
    assert soon(lambda: all(worker.is_open() for worker in workers), 0.8)
    time.sleep(1.1)
    waiting = iter(workers)
    assert len(together_probing(lambda probe: next(waiting).call(probe))) == 1


@case
def redis_gone(fleet: Fleet) -> None:
    """Redis killed in the middle of an outage does not close it"""
    worker = fleet.worker(timeout=30.0)
    fail(worker)
    fleet.server.stop()
    assert all(is_rejected(worker) for _ in range(30))


@case
def redis_forgets(fleet: Fleet) -> None:
    """nor does a Redis that forgets everything"""
    worker = fleet.worker(timeout=30.0)
    fail(worker)
    time.sleep(0.2)
    with redis.Redis.from_url(fleet.server.url) as client:
        client.flushall()
    assert all(is_rejected(worker) for _ in range(30))
    time.sleep(1.5)
    assert is_rejected(worker)


@case
def redis_comes_back_empty(fleet: Fleet) -> None:
    """nor one that is started again with nothing in it"""
    workers = [fleet.worker(timeout=30.0) for _ in range(3)]
    time.sleep(0.3)
    fail(workers[0])
    assert soon(lambda: all(worker.is_open() for worker in workers))
    fleet.server.stop()
    fleet.server.start()
    ends = time.monotonic() + 2.5
    while time.monotonic() < ends:
        assert all(is_rejected(worker) for worker in workers)
        time.sleep(0.05)


@case
def redis_away(fleet: Fleet) -> None:
    """without Redis calls go on, and no error of Redis reaches a caller"""
    worker = fleet.worker(timeout=30.0)
    fleet.server.stop()
    assert [worker.call(fine) for _ in range(5)] == ["fine"] * 5
    fail(worker, THRESHOLD + 1)


@case
def redis_frozen(fleet: Fleet) -> None:
    """a Redis that is frozen holds up no call"""
    worker = fleet.worker(timeout=30.0)
    time.sleep(0.3)
    fleet.server.freeze()
    began = time.monotonic()
    assert together(10, lambda: worker.call(fine)) == ["fine"] * 10
    assert time.monotonic() - began < 0.4


@case
def late_failures(fleet: Fleet) -> None:
    """failures of calls that began before another worker tripped do not open it after its recovery"""
    late, other = fleet.worker(timeout=0.3), fleet.worker(timeout=0.3)
    time.sleep(0.3)
    over = threading.Event()

    def slow() -> None:
        over.wait(6)
        raise Down

    def run() -> None:
        with contextlib.suppress(Down, late.rejection):
            late.call(slow)

    tasks = [runtime.spawn(run) for _ in range(THRESHOLD)]
    time.sleep(0.05)
    fail(other)
    time.sleep(0.4)
    assert soon(lambda: not is_rejected(other) and not other.is_open(), 2)
    assert soon(lambda: not is_rejected(late), 2)
    over.set()
    assert all(task.wait(3) for task in tasks)
    time.sleep(0.3)
    assert not late.is_open()
    assert not other.is_open()


@case
def exact_break(fleet: Fleet) -> None:
    """breaks are not cut to whole seconds"""
    worker = fleet.worker()
    time.sleep((0.8 - time.time()) % 1)
    fail(worker)
    time.sleep(0.6)
    assert is_rejected(worker)


@case
def wrong_clock(fleet: Fleet) -> None:
    """a worker whose clock is an hour fast does not end the break"""
    first, second = fleet.worker(timeout=30.0), fleet.worker(timeout=30.0)
    time.sleep(0.3)
    fail(first)
    assert soon(second.is_open, 0.5)
    with an_hour_fast(fleet.kind.clocked):
        time.sleep(0.1)
        assert is_rejected(second)


@case
def names_apart(fleet: Fleet) -> None:
    """breakers of two names do not share a state"""
    first, second = fleet.worker(name="first"), fleet.worker(name="second")
    fail(first)
    time.sleep(0.3)
    assert not second.is_open()


@case
def decoding_client(fleet: Fleet) -> None:
    """a client of Redis that decodes replies will do"""
    worker = fleet.worker(decode=True)
    fail(worker)
    assert is_rejected(worker)
    time.sleep(1.2)
    assert worker.call(fine) == "fine"
    assert not worker.is_open()


@case
def override_for_all(fleet: Fleet) -> None:
    """forced open in one worker it stays so in all"""
    first, second = fleet.worker(timeout=0.1), fleet.worker(timeout=0.1)
    time.sleep(0.3)
    first.force_open()
    time.sleep(0.5)
    assert is_rejected(second)


@contextlib.contextmanager
def an_hour_fast(modules: tuple[str, ...]) -> Iterator[None]:
    """Let the wall clock of these modules, and `time.time`, be an hour fast."""

    class Fast(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(hours=1)

        @classmethod
        def utcnow(cls) -> Any:
            return datetime.utcnow() + timedelta(hours=1)

    real = time.time

    def fast() -> float:
        return real() + 3600

    with contextlib.ExitStack() as patched:
        for name in modules:
            patched.enter_context(mock.patch.object(import_module(name), "datetime", Fast))
        patched.enter_context(mock.patch.object(time, "time", fast))
        yield
