"""The libraries that keep a breaker's state in Redis, one object for each worker of a fleet.

circuitbreaker has nothing of the kind, and purgatory's for synchronous code waits for nothing: its client is redis-py's
asynchronous one. Both are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from backend import runtime
from tests.conformance.subjects import THRESHOLD, Unsupported

Func = Callable[[], Any]


class Worker:
    """One worker's breaker, which opens after THRESHOLD failures in a row.

    Args:
        url: of the Redis.
        name: of the breaker.
        timeout: seconds that it stays open.
        decode: whether the client of Redis is one that decodes replies.
    """

    name = ""
    rejection: type[BaseException]
    clocked: tuple[str, ...] = ()
    """Its modules that ask for the date."""

    def __init__(self, url: str, *, name: str = "subject", timeout: float = 1.0, decode: bool = False) -> None:
        raise NotImplementedError

    def call(self, func: Func) -> Any:
        """Call `func` through the breaker."""
        raise NotImplementedError

    def is_open(self) -> bool:
        """Tell whether a call made now would be rejected, without making it."""
        raise NotImplementedError

    def force_open(self) -> None:
        """Open it until somebody closes it."""
        raise Unsupported

    def stop(self) -> None:
        """End what it does in the background."""


def _client(url: str, decode: bool) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=decode, socket_timeout=2, socket_connect_timeout=2)


class Kit(Worker):
    """This project's."""

    name = "this kit"
    clocked = ("backend.resilience.clock",)

    def __init__(self, url, *, name="subject", timeout=1.0, decode=False):
        from backend.resilience import CallRejectedError, CircuitBreaker
        from backend.resilience.fleet import Fleet, RedisServer, Timing

        self.rejection = CallRejectedError
        timing = Timing(timeout=2.0)  # so that a busy machine is not taken for a dead Redis
        self.fleet = Fleet(RedisServer(_client(url, decode), timing=timing), timing=timing)
        storage = self.fleet.breaker_storage(name)
        self.breaker = CircuitBreaker(THRESHOLD, timeout, name=name, storage=storage)
        self.fleet.start()

    def call(self, func):
        return self.breaker.call(func)

    def is_open(self):
        return self.breaker.is_rejecting

    def force_open(self):
        self.breaker.force_open()

    def stop(self):
        self.fleet.stop()


class Pybreaker(Worker):
    """The package pybreaker with its CircuitRedisStorage; a namespace is optional there, and none is given."""

    name = "pybreaker"
    clocked = ("pybreaker",)

    def __init__(self, url, *, name="subject", timeout=1.0, decode=False):
        import pybreaker

        self.rejection = pybreaker.CircuitBreakerError
        storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, _client(url, decode))
        self.breaker = pybreaker.CircuitBreaker(
            THRESHOLD, timeout, name=name, state_storage=storage, throw_new_error_on_trip=False
        )

    def call(self, func):
        return self.breaker.call(func)

    def is_open(self):
        return self.breaker.current_state == "open"

    def force_open(self):
        self.breaker.open()


class Aiobreaker(Worker):
    """The package aiobreaker with its CircuitRedisStorage; a namespace is optional there, and none is given."""

    name = "aiobreaker"
    clocked = ("aiobreaker.state", "aiobreaker.circuitbreaker")

    def __init__(self, url, *, name="subject", timeout=1.0, decode=False):
        from datetime import timedelta

        import aiobreaker
        from aiobreaker.storage.redis import CircuitRedisStorage

        self.rejection = aiobreaker.CircuitBreakerError
        storage = CircuitRedisStorage(aiobreaker.CircuitBreakerState.CLOSED, _client(url, decode))
        self.breaker = aiobreaker.CircuitBreaker(
            THRESHOLD, timedelta(seconds=timeout), name=name, state_storage=storage
        )

    def call(self, func):
        return self.breaker.call(func)

    def is_open(self):
        return self.breaker.current_state.name == "OPEN"

    def force_open(self):
        self.breaker.open()


class Interlock(Worker):
    """The package interlock-cb with its RedisStorage, asked for the shared state twenty times a second."""

    name = "interlock-cb"

    def __init__(self, url, *, name="subject", timeout=1.0, decode=False):
        import interlock
        from interlock.integrations.redis import RedisStorage

        self.rejection = interlock.CircuitOpenError
        config = interlock.Config(
            failure_rate_threshold=1.0,
            minimum_number_of_calls=THRESHOLD,
            window_size=THRESHOLD,
            permitted_calls_in_half_open=1,
            wait_duration_in_open=timeout,
        )
        storage = RedisStorage(_client(url, decode), poll_interval=0.05)
        self.breaker = interlock.CircuitBreaker(name=name, config=config, storage=storage)

    def call(self, func):
        return self.breaker.call(func)

    def is_open(self):
        return self.breaker.state.name in ("OPEN", "FORCED_OPEN")

    def force_open(self):
        self.breaker.force_open()

    def stop(self):
        coordinator = getattr(self.breaker._engine, "_coordinator", None)
        if coordinator is not None:
            runtime.spawn(coordinator.shutdown)


WORKERS: tuple[type[Worker], ...] = (Kit, Pybreaker, Aiobreaker, Interlock)
