"""What a breaker and its storage say to each other."""

from datetime import timedelta

import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import BreakerRecord, BreakerStorage, CircuitBreaker
from backend.resilience.rejection import FailedElsewhereError
from tests.unit.resilience.calls import Down, down, fail, fine, raising
from tests.unit.resilience.green import Cancelled, GreenTimeout


class Spy(BreakerStorage):
    """Writes down what it is told."""

    def __init__(self, clock, observes=False):
        super().__init__(clock=clock)
        self.observes = observes
        self.told = []
        self.leases = []
        self.view = None
        self.on_lease = None

    def attach(self, view):
        self.view = view
        return super().attach(view)

    def save(self, record):
        super().save(record)
        self.told.append(("save", record.state))

    def lease(self, record, seconds):
        if self.on_lease:
            return self.on_lease(record)
        return self.leases.pop(0) if self.leases else True

    def renew(self):
        self.told.append("renew")

    def release(self, succeeded):
        self.told.append(("release", succeeded))

    def observe(self, failed, slow):
        self.told.append(("observe", failed, slow))


@pytest.fixture
def spy(clock):
    return Spy(clock)


def stored(spy, clock, **options):
    return CircuitBreaker(2, 30, clock=clock, storage=spy, **options)


def test_the_storage_hears_of_probes_that_go_on_and_that_end_without_a_decision(spy, clock):
    breaker = stored(spy, clock, permits=2)
    fail(breaker, 2)
    clock.advance(30)
    spy.told.clear()
    call = breaker.begin()
    call.alive()
    call.succeeded()
    breaker.begin().dropped()
    assert spy.told == [("save", "half_open"), "renew", ("release", True), ("release", False)]
    spy.told.clear()
    breaker.call(fine)
    assert spy.told == [("save", "closed")], "the change of state says it all"


def test_an_expected_error_proves_a_probe_to_the_storage_too(spy, clock):
    breaker = stored(spy, clock, permits=2, expected=[KeyError])
    fail(breaker, 2)
    clock.advance(30)
    with pytest.raises(KeyError):
        breaker.call({}.__getitem__, "x")
    assert spy.told[-1] == ("release", True)


def test_a_probe_that_the_fleet_does_not_allow_leaves_its_place_free(spy, clock):
    breaker = stored(spy, clock)
    fail(breaker, 2)
    clock.advance(30)
    spy.leases = [False, True]
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(pytest.fail)
    assert breaker.call(fine) == "fine"
    assert breaker.state == "closed"


def test_asking_for_the_probe_may_show_that_others_have_closed_it(spy, clock):
    breaker = stored(spy, clock)
    fail(breaker, 2)
    clock.advance(30)

    def others_were_quicker(record):
        spy.view.adopt(BreakerRecord(state="closed", generation=record.generation + 1))
        return False

    spy.on_lease = others_were_quicker
    assert breaker.call(fine) == "fine"
    assert breaker.state == "closed"


def test_a_storage_that_wants_no_calls_hears_of_none(spy, clock):
    breaker = stored(spy, clock)
    breaker.call(fine)
    fail(breaker, 2)
    assert spy.told == [("save", "open")]


def test_one_that_does_hears_of_those_that_count_and_of_nothing_else(clock, caplog):
    spy = Spy(clock, observes=True)
    breaker = stored(spy, clock)
    breaker.call(fine)
    fail(breaker, 2)
    breaker.reset()
    observed = [told for told in spy.told if told[0] == "observe"]
    assert observed == [("observe", False, False), ("observe", True, False), ("observe", True, False)]
    assert caplog.records == []


def test_what_others_have_decided_is_not_told_to_them_again(spy, clock):
    breaker = stored(spy, clock)
    told = []
    breaker.events.subscribe(told.append)
    before = clock.now() - timedelta(seconds=10)
    spy.view.adopt(BreakerRecord("open", 5, before, open_seconds=30, reason="NetworkError: refused"))
    assert spy.told == []
    assert [(event.old, event.new, event.at, event.retry_after) for event in told] == [("closed", "open", before, 20)]
    assert isinstance(breaker.last_cause, FailedElsewhereError)
    assert str(breaker.last_cause) == "NetworkError: refused"
    spy.view.adopt(BreakerRecord("open", 6, clock.now(), open_seconds=30))
    assert len(told) == 1, "open it was already"
    assert (breaker.snapshot.generation, breaker.retry_after) == (6, 30)
    assert str(breaker.last_cause) == "NetworkError: refused", "the cause that is known is kept"


def test_a_record_that_tells_nothing_but_the_state_is_taken_for_the_whole_break(spy, clock):
    breaker = stored(spy, clock)
    told = []
    breaker.events.subscribe(told.append)
    spy.view.adopt(BreakerRecord("open", 5))
    assert (breaker.retry_after, breaker.last_cause) == (30, None)
    assert told[0].at == clock.now()


def test_a_break_that_was_over_before_it_was_heard_of_is_over(spy, clock):
    breaker = stored(spy, clock)
    spy.view.adopt(BreakerRecord("open", 5, clock.now() - timedelta(seconds=30), open_seconds=30))
    assert breaker.state == "half_open"
    assert breaker.call(fine) == "fine"


def test_the_number_of_a_state_may_be_made_newer_but_not_another_ones(spy, clock):
    breaker = stored(spy, clock)
    spy.view.renumber(BreakerRecord("closed", 7, reason="renumbered"))
    assert (breaker.snapshot.generation, breaker.snapshot.reason) == (7, "renumbered")
    for other in (BreakerRecord("open", 8), BreakerRecord("closed", 7), BreakerRecord("closed", 6)):
        spy.view.renumber(other)
        assert breaker.snapshot.reason == "renumbered"


def test_the_view_gives_the_window_only_where_calls_are_counted(spy, clock):
    breaker = stored(spy, clock)
    assert spy.view.counting() is breaker._control.current.window
    fail(breaker, 2)
    assert spy.view.counting() is None
    breaker.metrics_only()
    assert spy.view.counting() is breaker._control.current.window


def test_a_prober_that_is_stopped_while_it_asks_for_its_permit_holds_none(clock):
    spy = Spy(clock)
    breaker = CircuitBreaker(1, 60, clock=clock, storage=spy)
    fail(breaker)
    clock.advance(60)
    spy.on_lease = raising(Cancelled())
    with pytest.raises(Cancelled):
        breaker.call(fine)
    spy.on_lease = None
    assert breaker.call(fine) == "fine"


def test_a_timer_of_the_storages_own_decides_nothing(clock):
    spy = Spy(clock)
    breaker = CircuitBreaker(1, 60, clock=clock, storage=spy)
    spy.save = raising(GreenTimeout())
    with pytest.raises(Down):
        breaker.call(down)
    clock.advance(60)
    spy.on_lease = raising(GreenTimeout())
    assert breaker.call(fine) == "fine"
    assert breaker.state == "closed"


def test_a_storage_that_is_stopped_passes_it_on(clock):
    spy = Spy(clock)
    breaker = CircuitBreaker(1, 60, clock=clock, storage=spy)
    spy.save = raising(Cancelled())
    with pytest.raises(Cancelled):
        breaker.call(down)
    assert breaker.state == "open"
