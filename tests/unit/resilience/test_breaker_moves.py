"""The moves between the states: what they leave behind, and who comes too late for them."""

import pytest

from backend.resilience import BreakerChanged, BreakerRecord, CircuitBreaker, CountWindow
from backend.resilience.breaker_states import Lease, State
from backend.resilience.outcome import Outcome
from tests.unit.resilience.calls import Down, fail, fine
from tests.unit.resilience.overtaken import overtaken


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(2, 30, name="feed", feature="intel", clock=clock)


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
    call = breaker.begin()
    assert [(event.new, event.reason) for event in told] == [("forced_open", "upgrade"), ("closed", "override ended")]
    call.succeeded()
    assert len(told) == 2


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
