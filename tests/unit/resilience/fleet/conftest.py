"""Several workers and one server, on a virtual clock; no sockets, no waiting."""

import logging

import pytest

from backend.errors import CircuitBreakerOpenError
from tests.model.network import World, consecutive


class Down(Exception):
    """The dependency failed."""


class Story:
    """A world with the words that tests speak."""

    def __init__(self, make, workers):
        self.world = World(make, workers)
        self.workers = self.world.workers
        self.advance = self.world.advance

    def fail(self, number, times=1):
        for _ in range(times):
            call = self.workers[number].breaker.begin()
            call.failed(Down("down"))

    def succeed(self, number):
        self.workers[number].breaker.begin().succeeded()

    def begin(self, number):
        """Return the call that is admitted, None for a rejection."""
        try:
            return self.workers[number].breaker.begin()
        except CircuitBreakerOpenError:
            return None

    def settle(self, seconds=0.3):
        """Let time pass and every message arrive."""
        self.world.advance(seconds)
        self.world.deliver_all()

    @property
    def states(self):
        return [worker.state for worker in self.workers]

    @property
    def numbers(self):
        return [worker.generation for worker in self.workers]

    @property
    def record(self):
        return self.world.record

    @property
    def leases(self):
        return self.world.server.arbiters["upstream"]._leases


@pytest.fixture
def story(caplog):
    """Three workers, a breaker of three failures in a row, a break of 5 s, probes of 2 s."""
    caplog.set_level(logging.ERROR, "jupiter.resilience")
    return Story(consecutive, 3)


@pytest.fixture
def told(caplog):
    """Start a story with other options of the breaker."""
    caplog.set_level(logging.ERROR, "jupiter.resilience")

    def start(workers=3, **options):
        return Story(lambda clock, storage: consecutive(clock, storage, **options), workers)

    return start
