"""The libraries as several workers use them that share their breakers over Redis.

Workers live in one process here, each with a client and breakers of its own, as processes would have them. A library
that shares nothing raises `Unsupported`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import redis

from tests.conformance.subjects import THRESHOLD, TIMEOUT, Func, Unsupported

PATIENCE = 0.5
"""Seconds for an exchange with Redis, where a library lets its user set that."""


class Worker:
    """One worker's breaker."""

    def call(self, func: Func) -> Any:
        """Call `func` through the breaker."""
        raise NotImplementedError

    def is_open(self) -> bool:
        """Tell whether a call made now would be rejected, without making it."""
        raise NotImplementedError

    def force_open(self) -> None:
        """Open it, for all, until somebody closes it."""
        raise Unsupported


class Fleet:
    """Workers over one Redis. Each breaker opens after `threshold` failures in a row, for `timeout` seconds."""

    name = ""
    rejection: type[BaseException]

    def __init__(self, url: str, *, timeout: float = TIMEOUT, threshold: int = THRESHOLD, decode: bool = False) -> None:
        """Make it; `decode` is whether the program's Redis clients decode what they read."""
        self.url, self.timeout, self.threshold, self.decode = url, timeout, threshold, decode
        self._ends: list[Callable[[], object]] = []

    def worker(self, name: str = "subject", *, plain: bool = False, ahead: float = 0.0) -> Worker:
        """Add a worker.

        Args:
            name: of its breaker.
            plain: nothing but the name tells its breaker from others.
            ahead: seconds by which its clock is ahead of the others'.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End all workers."""
        while self._ends:
            self._ends.pop()()

    def client(self) -> redis.Redis:
        """Return a client of one worker."""
        made = redis.Redis.from_url(
            self.url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
            decode_responses=self.decode,
        )
        self._ends.append(made.close)
        return made


class KitFleet(Fleet):
    """This project's."""

    name = "this kit"

    def worker(self, name="subject", *, plain=False, ahead=0.0):
        from backend.resilience import CallRejectedError, CircuitBreaker
        from backend.resilience.clock import SystemClock
        from backend.resilience.fleet import Fleet as Member
        from backend.resilience.fleet import RedisServer, Timing

        class Ahead(SystemClock):
            def now(self):
                return super().now() + timedelta(seconds=ahead)

        class KitWorker(Worker):
            def __init__(self, breaker):
                self.call, self.force_open = breaker.call, breaker.force_open
                self.is_open = lambda: breaker.is_rejecting

        self.rejection = CallRejectedError
        clock, timing = Ahead(), Timing(timeout=PATIENCE)
        member = Member(RedisServer(self.client(), timing=timing), clock=clock, timing=timing)
        breaker = CircuitBreaker(
            self.threshold, self.timeout, name=name, storage=member.breaker_storage(name), clock=clock
        )
        member.start()
        self._ends.append(member.stop)
        return KitWorker(breaker)


class PybreakerFleet(Fleet):
    """The package pybreaker, with its CircuitRedisStorage."""

    name = "pybreaker"

    def worker(self, name="subject", *, plain=False, ahead=0.0):
        import pybreaker

        storage = pybreaker.CircuitRedisStorage("closed", self.client(), namespace=None if plain else name)
        breaker = pybreaker.CircuitBreaker(
            self.threshold, self.timeout, name=name, state_storage=storage, throw_new_error_on_trip=False
        )
        self.rejection = pybreaker.CircuitBreakerError
        return _Stateful(breaker, "open", _clock("pybreaker", ahead))


class AiobreakerFleet(Fleet):
    """The package aiobreaker, with its CircuitRedisStorage."""

    name = "aiobreaker"

    def worker(self, name="subject", *, plain=False, ahead=0.0):
        import aiobreaker
        from aiobreaker.storage.redis import CircuitRedisStorage

        closed = aiobreaker.CircuitBreakerState.CLOSED
        storage = CircuitRedisStorage(closed, self.client(), namespace=None if plain else name)
        breaker = aiobreaker.CircuitBreaker(
            self.threshold, timedelta(seconds=self.timeout), name=name, state_storage=storage
        )
        self.rejection = aiobreaker.CircuitBreakerError
        return _Stateful(breaker, aiobreaker.CircuitBreakerState.OPEN, _clock("aiobreaker.state", ahead))


class InterlockFleet(Fleet):
    """The package interlock-cb, with its RedisStorage."""

    name = "interlock-cb"

    def worker(self, name="subject", *, plain=False, ahead=0.0):
        import interlock
        from interlock.integrations.redis import RedisStorage

        config = interlock.Config(
            failure_rate_threshold=1.0,
            minimum_number_of_calls=self.threshold,
            window_size=self.threshold,
            permitted_calls_in_half_open=1,
            wait_duration_in_open=self.timeout,
        )
        storage = RedisStorage(self.client(), poll_interval=0.1)  # which asks no clock but the server's
        breaker = interlock.CircuitBreaker(name=name, config=config, storage=storage)
        self.rejection = interlock.CircuitOpenError
        self._ends.append(breaker.close)

        class InterlockWorker(Worker):
            def __init__(self):
                self.call, self.force_open = breaker.call, breaker.force_open
                self.is_open = lambda: breaker.state.name in ("OPEN", "FORCED_OPEN")

        return InterlockWorker()


class CircuitbreakerFleet(Fleet):
    """The package circuitbreaker, which shares nothing."""

    name = "circuitbreaker"

    def worker(self, name="subject", *, plain=False, ahead=0.0):
        raise Unsupported


class PurgatoryFleet(Fleet):
    """The package purgatory, whose Redis storage for programs without asyncio answers with coroutines."""

    name = "purgatory"

    def worker(self, name="subject", *, plain=False, ahead=0.0):
        raise Unsupported


class _Stateful(Worker):
    """A breaker with `current_state` and `open()`, as pybreaker and its descendant have."""

    def __init__(self, breaker: Any, opened: Any, clock: Callable[[], contextlib.AbstractContextManager[Any]]) -> None:
        self._breaker, self._opened, self._clock = breaker, opened, clock

    def call(self, func: Func) -> Any:
        with self._clock():
            return self._breaker.call(func)

    def is_open(self) -> bool:
        return self._breaker.current_state == self._opened

    def force_open(self) -> None:
        self._breaker.open()


def _clock(module: str, ahead: float) -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """Return what puts the clock of a module ahead, which looks at no other than `datetime`."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(seconds=ahead)

        @classmethod
        def utcnow(cls):
            return datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=ahead)

    @contextlib.contextmanager
    def put_ahead() -> Iterator[None]:
        with mock.patch(f"{module}.datetime", Ahead):
            yield

    return put_ahead if ahead else contextlib.nullcontext


FLEETS: tuple[type[Fleet], ...] = (
    KitFleet, PybreakerFleet, CircuitbreakerFleet, AiobreakerFleet, PurgatoryFleet, InterlockFleet,
)  # fmt: skip
