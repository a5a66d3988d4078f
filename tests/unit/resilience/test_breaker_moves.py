"""The moves between the states: what they leave behind, and who comes too late for them."""

from datetime import timedelta

import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import BreakerChanged, BreakerRecord, BreakerStorage, CircuitBreaker, CountWindow
from backend.resilience.breaker_states import Lease, State
from backend.resilience.outcome import Outcome
from backend.resilience.rejection import FailedElsewhereError
from tests.unit.resilience.calls import Down, fail, fine
from tests.unit.resilience.overtaken import overtaken


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(2, 30, name="feed", feature="intel", clock=clock)


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


def test_it_knows_its_feature(breaker):
    assert breaker.feature == "intel"


def test_the_record_of_a_circuit_that_is_closed_again_holds_nothing_of_the_break(breaker, clock):
    fail(breaker, 2)
    opened = breaker.snapshot
    assert (opened.level, opened.open_seconds, opened.failures, opened.manual) == (0, 30, 2, False)
    breaker.reset("by hand", "anna")
    assert breaker.snapshot == BreakerRecord(
        state="closed", generation=2, changed_at=clock.now(), reason="by hand", author="anna", manual=True
    )
    assert (breaker.snapshot.level, breaker.snapshot.open_seconds, breaker.snapshot.failures) == (0, 0.0, 0)


def test_a_trip_without_an_error_says_that_the_threshold_was_reached(clock):
    breaker = CircuitBreaker(window=CountWindow(2, slow_seconds=1, slow_rate=1.0, minimum_calls=2), clock=clock)
    for _ in range(2):
        breaker.call(clock.advance, 1)
    assert (breaker.state, breaker.snapshot.reason, breaker.last_cause) == ("open", "threshold reached", None)


def test_a_state_stands_for_nothing_by_itself():
    with pytest.raises(NotImplementedError):
        State(None).admit()
    assert State(None).retry_after() is None


def test_what_has_passed_is_never_shown_as_less_than_nothing(breaker, clock):
    fail(breaker, 2)
    clock.advance(100)
    assert breaker.retry_after == 0
    breaker.force_open(seconds=5)
    clock.advance(10)
    assert breaker.retry_after == 0


def test_a_probe_that_has_lost_its_lease_leaves_no_wait(breaker, clock):
    fail(breaker, 2)
    clock.advance(30)
    breaker.begin()
    clock.advance(40)
    assert breaker.retry_after == 0


# Those who come too late


def half_open(breaker, clock):
    fail(breaker, 2)
    clock.advance(30)
    breaker.begin().dropped()
    return breaker._control.current


def test_who_asks_a_half_open_state_that_is_over_is_sent_to_the_one_in_force(breaker, clock):
    late = half_open(breaker, clock)
    breaker.reset()
    assert late.admit() is breaker._control.current
    assert late._leases == set(), "nothing was taken from it"


def test_who_asks_an_override_that_is_over_is_too(breaker):
    breaker.force_open()
    late = breaker._control.current
    breaker.reset()
    assert late.admit() is breaker._control.current


def test_the_end_of_an_override_is_told_once(breaker, clock):
    told = []
    breaker.events.subscribe(told.append)
    breaker.force_open("upgrade", seconds=10)
    clock.advance(10)
    assert breaker.call(fine) == "fine"
    assert [(event.new, event.reason) for event in told] == [("forced_open", "upgrade"), ("closed", "override ended")]


def test_an_override_that_somebody_else_ends_meanwhile_is_ended_once(breaker, clock):
    told = []
    breaker.events.subscribe(told.append)
    breaker.force_open(seconds=10)
    clock.advance(10)
    overtaken(breaker._control, "lock", lambda: breaker.disable("quicker"))
    assert breaker.call(fine) == "fine"
    assert breaker.state == "disabled"
    assert [event.new for event in told] == ["forced_open", "disabled"]


def test_a_break_that_somebody_else_ends_meanwhile_makes_no_probe(breaker, clock):
    fail(breaker, 2)
    clock.advance(30)
    overtaken(breaker._control, "lock", breaker.reset)
    assert breaker.call(fine) == "fine"
    assert breaker.snapshot.generation == 2, "opened and reset; nobody went to half-open"


# Leases


def test_by_itself_a_result_is_not_slow(clock):
    breaker = CircuitBreaker(window=CountWindow(slow_seconds=1), clock=clock)
    breaker._control.current.admit().settle(Outcome.SUCCESS)
    assert (breaker.stats.calls, breaker.stats.slow) == (1, 0)


def test_nor_is_a_probes(clock):
    breaker = CircuitBreaker(window=CountWindow(2, slow_seconds=1, minimum_calls=1), timeout=30, clock=clock)
    fail(breaker, 1)
    clock.advance(30)
    permit = breaker.begin()._permit
    assert isinstance(permit, Lease)
    permit.settle(Outcome.SUCCESS)
    assert breaker.state == "closed"


def test_a_lease_that_has_ended_cannot_be_renewed(breaker, clock):
    fail(breaker, 2)
    clock.advance(30)
    permit = breaker.begin()._permit
    clock.advance(29)
    permit.renew()
    assert permit.ends == 30 + 29 + 30
    clock.advance(30)
    permit.renew()
    assert permit.ends == 30 + 29 + 30, "its time was up at this very moment"
    other = half_open(CircuitBreaker(2, 30, clock=clock), clock)
    stranger = Lease(other, clock.monotonic() + 5)
    stranger.renew()
    assert stranger.ends == clock.monotonic() + 5


# The storage


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


def test_nothing_is_told_where_nothing_changes(breaker):
    told = []
    breaker.events.subscribe(told.append)
    breaker.reset()
    assert told == []
    assert breaker.snapshot.generation == 1, "although it is a decision of its own"


def test_a_listener_of_pybreakers_kind_may_come_while_it_is_open(breaker, clock):
    class Listener:
        """Counts failures."""

        failures = 0

        def failure(self, *_):
            self.failures += 1

        def before_call(self, *_):
            """Not of interest."""

        success = state_change = before_call

    fail(breaker, 2)
    listener = Listener()
    breaker.add_listener(listener)
    breaker.reset()
    fail(breaker)
    breaker.classify.ignore.append(KeyError)
    with pytest.raises(KeyError):
        breaker.call({}.__getitem__, "x")
    assert listener.failures == 1, "an ignored error is no failure"


def test_opened_by_hand_it_has_no_cause(breaker):
    breaker.open()
    assert breaker.last_cause is None
    assert breaker.snapshot.manual is False


def test_a_change_is_told_with_everything(breaker, clock):
    told = []
    breaker.events.subscribe(told.append, BreakerChanged)
    fail(breaker, 2)
    assert told == [BreakerChanged("feed", "intel", "closed", "open", clock.now(), "Down: down", 30)]
    assert isinstance(breaker.last_cause, Down)
