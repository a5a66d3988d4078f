"""Several workers and one server that delays, loses, reorders, forgets and goes away, on one virtual clock."""

from __future__ import annotations

from datetime import timedelta

from backend.resilience import CircuitBreaker
from backend.resilience.fleet.arbiter import Arbiter
from backend.resilience.fleet.fleet import Fleet
from backend.resilience.fleet.memory import MemoryServer
from backend.resilience.fleet.server import ServerAwayError
from backend.resilience.fleet.timing import Timing
from backend.resilience.testing import FakeClock

NAME = "upstream"


class SkewedClock:
    """A worker's own clock: as fast as the true one, but neither shows the same time nor began to count with it."""

    def __init__(self, true, *, wall, steady):
        self._true = true
        self._wall = timedelta(seconds=wall)
        self._steady = steady

    def monotonic(self):
        return self._true.monotonic() + self._steady

    def now(self):
        return self._true.now() + self._wall

    def sleep(self, seconds):
        raise AssertionError("nothing in the fleet sleeps")


class WatchedArbiter(Arbiter):
    """Remembers every record that it ever held."""

    def __init__(self, name, audit, publish, log):
        super().__init__(name, audit, publish)
        self._log = log

    def _take(self, record):
        super()._take(record)
        self._log.append(dict(record))

    def _renumber(self, floor):
        super()._renumber(floor)
        self._log.append(dict(self.record))


class WatchedServer(MemoryServer):
    """Tells the model, once, of each record that it held since it was asked last."""

    def __init__(self, clock):
        self.log = []
        self.now = clock.monotonic
        super().__init__(clock)

    def _arbiter(self, name):
        if name not in self.arbiters:
            self.arbiters[name] = WatchedArbiter(name, self._decisions, self._publish, self.log)
        return self.arbiters[name]


class Wire:
    """One worker's way to the server."""

    def __init__(self, server):
        self.server = server
        self.down = False
        self.replies_to_lose = 0
        self.permits = 0
        """Permits that reached the worker."""
        self.inbox = None
        self.lost_at = 0.0

    def ask(self, requests):
        if self.down:
            raise ServerAwayError("refused")
        replies = self.server.ask(requests)
        if self.replies_to_lose:
            self.replies_to_lose -= 1
            self.lost_at = self.server.now()
            raise ServerAwayError("no reply")
        self.permits += sum(bool(reply.get("granted")) for reply in replies)
        return replies

    def cut(self):
        """Nothing goes through; messages under way are lost."""
        self.down = True
        if self.inbox is not None:
            self.inbox.close()
            self.inbox.messages.clear()

    def close(self):
        """The fleet closes its server when it stops."""


class Worker:
    """A process: a fleet and one breaker."""

    def __init__(self, world, name, number, make):
        self.name = name
        self.number = number
        self.clock = SkewedClock(world.clock, wall=3600 * number - 1800, steady=100.0 * number)
        self.wire = Wire(world.server)
        self.wire.down = world.down
        self.fleet = Fleet(self.wire, clock=self.clock, timing=world.timing, worker=name)
        self.fleet.exchange.link.bounded = lambda _, func, *args: func(*args)  # no real time here
        self.breaker = make(self.clock, self.fleet.breaker_storage(NAME))
        self.stalled = False
        self._well_since = world.clock.monotonic()
        self.subscribe()

    @property
    def generation(self):
        return self.breaker.snapshot.generation

    @property
    def decision(self):
        """Whose word the breaker's state is."""
        return self.breaker._state_storage._follower._decision(self.breaker.snapshot)

    @property
    def state(self):
        return self.breaker.snapshot.state

    @property
    def well_since(self):
        """Since when it has been running with a way to the server on which nothing was lost."""
        return max(self._well_since, self.wire.lost_at)

    def is_well(self):
        """It runs and has a way to the server, from now on at the latest."""
        self._well_since = self.wire.server.now()

    def subscribe(self):
        """Listen, as the listener does when it can, and ask for what was missed."""
        if not self.wire.down:
            self.wire.inbox = self.wire.server.subscribe()
            self.fleet.exchange.poll_soon()

    def run_due(self):
        """Let the background worker do what is due, as its loop would."""
        for _ in range(20):
            if self.stalled or self.fleet.exchange.pause() > 0:
                return
            self.fleet.exchange.step()
        raise AssertionError("the background worker does not come to rest")

    def hear(self, position, *, again=False):
        """Deliver one message under way; with `again`, without taking it away."""
        messages = self.wire.inbox.messages
        message = messages[position]
        if not again:
            del messages[position]
        self.fleet.exchange.hear(message)
        self.run_due()
        return message


class World:
    """All of it.

    Args:
        make: makes a worker's breaker from its clock and storage.
        workers: how many.
        serve: makes the server from the clock.
    """

    def __init__(self, make, workers=3, serve=WatchedServer):
        self.clock = FakeClock()
        self.timing = Timing()
        self.server = serve(self.clock)
        self.down = False
        self._make = make
        self._lives = 0
        self.workers = [self._born(number) for number in range(workers)]

    @property
    def record(self):
        """The server's record, empty where it has none."""
        arbiter = self.server.arbiters.get(NAME)
        return arbiter.record if arbiter else {}

    def restart_worker(self, number):
        """Kill a process and start another in its place."""
        self.workers[number].wire.cut()
        self.workers[number] = self._born(number)

    def take_down(self):
        """The server is frozen or killed."""
        self.down = True
        for worker in self.workers:
            worker.wire.cut()

    def bring_up(self):
        """The server answers again; those whose own way was cut too are connected with it."""
        self.down = False
        for worker in self.workers:
            self.connect(worker)

    def connect(self, worker):
        """Mend one worker's way to the server, if there is a server."""
        if worker.wire.down and not self.down:
            worker.wire.down = False
            worker.is_well()
            worker.subscribe()

    def advance(self, seconds, first=0):
        """Let time pass, and the background workers do their work; number `first` is always the quickest."""
        end = self.clock.monotonic() + seconds
        order = self.workers[first:] + self.workers[:first]
        while (left := end - self.clock.monotonic()) > 1e-9:
            running = [worker.fleet.exchange.pause() for worker in order if not worker.stalled]
            self.clock.advance(min(left, max(0.001, min(running, default=left))))
            for worker in order:
                worker.run_due()

    def deliver_all(self):
        """Deliver every message under way, in order, until none is left."""
        for _ in range(50):
            waiting = [worker for worker in self.workers if worker.wire.inbox and worker.wire.inbox.messages]
            if not waiting:
                return
            for worker in waiting:
                while worker.wire.inbox.messages:
                    worker.hear(0)
        raise AssertionError("the messages never end")

    def _born(self, number):
        self._lives += 1
        return Worker(self, f"w{number}.{self._lives}", number, self._make)


def consecutive(clock, storage, **options):
    """A breaker that counts failures in a row."""
    return CircuitBreaker(3, 5.0, name=NAME, clock=clock, storage=storage, probe_seconds=2.0, **options)
