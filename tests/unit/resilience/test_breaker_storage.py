"""The storage: what it is told, what it may decide, and that its own faults decide nothing."""

import logging

import pybreaker
import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import BreakerStorage, CircuitBreaker, Listeners
from backend.resilience.breaker_storage import BreakerRecord
from tests.unit.resilience.calls import fail, fine


class Fleet:
    """A stand-in for what a fleet's storage does: one record, one probe, the failures of all."""

    def __init__(self, clock):
        self.clock = clock
        self.storages = []
        self.record = BreakerRecord()
        self.prober = None
        self.failures = 0

    def storage(self):
        made = FleetStorage(self)
        self.storages.append(made)
        return made


class FleetStorage(BreakerStorage):
    observes = True

    def __init__(self, fleet):
        super().__init__("fleet", fleet.clock)
        self.fleet = fleet

    def attach(self, view):
        self.view = view
        return self.fleet.record

    def save(self, record):
        super().save(record)
        if record.generation > self.fleet.record.generation:
            self.fleet.record, self.fleet.prober = record, None
            for other in self.fleet.storages:
                if other is not self:
                    other.view.adopt(record)

    def lease(self, record, seconds):
        if self.fleet.prober in (None, self):
            self.fleet.prober = self
            return True
        return False

    def observe(self, failed, slow):
        self.fleet.failures = self.fleet.failures + 1 if failed else 0


@pytest.fixture
def fleet(clock):
    return Fleet(clock)


@pytest.fixture
def workers(fleet, clock):
    return [CircuitBreaker(3, 60, clock=clock, storage=fleet.storage()) for _ in range(3)]


def test_a_trip_of_one_worker_opens_it_for_all(workers, clock):
    fail(workers[0], 3)
    assert [each.state for each in workers] == ["open"] * 3
    with pytest.raises(CircuitBreakerOpenError) as caught:
        workers[2].call(fine)
    assert caught.value.retry_after == 60


def test_the_break_is_measured_from_when_it_began(workers, fleet, clock):
    fail(workers[0], 3)
    clock.advance(20)
    late = CircuitBreaker(3, 60, clock=clock, storage=fleet.storage())
    assert (late.state, late.retry_after) == ("open", 40)


def test_one_probe_in_the_whole_fleet(workers, clock):
    fail(workers[0], 3)
    clock.advance(60)
    probe = workers[1].begin()
    for other in (workers[0], workers[2]):
        with pytest.raises(CircuitBreakerOpenError):
            other.begin()
    probe.succeeded()
    assert [each.state for each in workers] == ["closed"] * 3


def test_an_override_of_one_is_an_override_of_all(workers):
    workers[0].force_open("maintenance", author="anna")
    assert [each.state for each in workers] == ["forced_open"] * 3
    assert workers[2].snapshot.author == "anna"
    workers[1].disable()
    assert [each.state for each in workers] == ["disabled"] * 3
    workers[2].metrics_only()
    assert [each.state for each in workers] == ["metrics_only"] * 3
    workers[0].reset()
    assert [each.state for each in workers] == ["closed"] * 3


def test_a_storage_that_observes_hears_of_each_counted_call(workers, fleet):
    fail(workers[0])
    fail(workers[1])
    assert fleet.failures == 2
    workers[2].call(fine)
    assert fleet.failures == 0


def test_the_change_that_another_worker_made_is_told_to_listeners(fleet, clock):
    heard, listeners = [], Listeners()
    listeners.subscribe(heard.append)
    CircuitBreaker(3, 60, clock=clock, storage=fleet.storage(), listeners=listeners)
    fail(CircuitBreaker(3, 60, clock=clock, storage=fleet.storage()), 3)
    assert [(each.old, each.new) for each in heard] == [("closed", "open")]


def test_an_older_record_is_not_taken_over(clock):
    breaker = CircuitBreaker(1, 60, clock=clock)
    fail(breaker)
    breaker._control.adopt(BreakerRecord(state="closed", generation=1))
    assert breaker.state == "open"


class Broken(BreakerStorage):
    """Fails at everything."""

    observes = True

    def save(self, record):
        raise ConnectionError("redis is gone")

    def lease(self, record, seconds):
        raise ConnectionError("redis is gone")

    def observe(self, failed, slow):
        raise ConnectionError("redis is gone")


def test_a_storage_that_fails_changes_no_outcome(clock, caplog):
    breaker = CircuitBreaker(2, 60, clock=clock, storage=Broken())
    assert breaker.call(fine) == "fine"
    fail(breaker, 2)
    assert breaker.state == "open"
    clock.advance(60)
    assert breaker.call(fine) == "fine"
    assert breaker.state == "closed"
    assert "the storage failed" in caplog.text


def test_it_answers_to_pybreakers_storage_protocol(clock):
    storage = BreakerStorage(clock=clock)
    breaker = CircuitBreaker(2, 60, clock=clock, storage=storage)
    assert isinstance(storage, pybreaker.CircuitBreakerStorage)
    assert (storage.name, storage.state, storage.counter, storage.success_counter) == ("memory", "closed", 0, 0)
    assert storage.opened_at is None
    fail(breaker, 2)
    assert (storage.state, storage.counter, storage.opened_at) == ("open", 2, clock.now())
    assert storage.record.state == "open"


def test_a_state_set_through_pybreakers_protocol_moves_the_breaker(clock):
    storage = BreakerStorage(clock=clock)
    breaker = CircuitBreaker(2, 60, clock=clock, storage=storage)
    storage.state = "open"
    assert (breaker.state, breaker.retry_after) == ("open", 60)
    clock.advance(30)
    storage.opened_at = clock.now()
    assert breaker.retry_after == 60
    storage.state = "half-open"
    assert breaker.call(fine) == "fine"
    with pytest.raises(ValueError, match="unknown state"):
        storage.state = "ajar"


def test_a_storage_without_a_breaker_counts_nothing():
    assert BreakerStorage().counter == 0


def test_the_storage_in_pybreakers_words(clock):
    breaker = CircuitBreaker(1, 30, clock=clock)
    storage = breaker._control._storage
    fail(breaker)
    assert storage.opened_at == clock.now()
    breaker.reset()
    assert storage.opened_at is None
    before = storage.record.generation
    storage.state = "open"
    assert storage.record.generation == before + 1


def test_a_storage_without_a_breaker_can_be_set_too(clock, caplog):
    storage = BreakerStorage(clock=clock)
    storage.state = "open"
    storage.opened_at = clock.now()
    assert (storage.record.state, storage.record.generation) == ("open", 2)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
