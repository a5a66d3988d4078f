"""What a person may do to a breaker: force it open, disable it, let it only measure."""

import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import CircuitBreaker, CountWindow, Listeners
from tests.unit.resilience.calls import fail, fine


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(2, 60, clock=clock)


def test_forced_open_rejects_until_reset_and_does_not_heal_itself(breaker, clock):
    breaker.force_open("maintenance", author="anna")
    clock.advance(100_000)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        breaker.call(fine)
    assert (caught.value.state, caught.value.retry_after) == ("forced_open", None)
    assert (breaker.snapshot.reason, breaker.snapshot.author) == ("maintenance", "anna")
    breaker.reset(author="anna")
    assert breaker.call(fine) == "fine"


def test_an_override_ends_when_its_time_is_up(breaker, clock):
    breaker.force_open(seconds=30)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        breaker.call(fine)
    assert caught.value.retry_after == 30
    clock.advance(30)
    assert breaker.call(fine) == "fine"
    assert breaker.state == "closed"


def test_disabled_admits_every_call_and_counts_nothing(breaker):
    breaker.disable("we trust it")
    fail(breaker, 10)
    assert (breaker.state, breaker.failure_count) == ("disabled", 0)


def test_disabled_ends_with_its_time(breaker, clock):
    breaker.disable(seconds=10)
    fail(breaker, 10)
    clock.advance(10)
    fail(breaker, 2)
    assert breaker.state == "open"


def test_metrics_only_counts_and_never_opens(breaker, clock):
    breaker.metrics_only("trying a configuration", seconds=10)
    fail(breaker, 5)
    assert (breaker.state, breaker.failure_count) == ("metrics_only", 5)
    clock.advance(10)
    breaker.call(fine)
    assert breaker.state == "closed"


def test_metrics_only_measures_slow_calls(clock):
    breaker = CircuitBreaker(window=CountWindow(10, slow_seconds=1, minimum_calls=1), clock=clock)
    breaker.metrics_only()
    breaker.call(clock.sleep, 2)
    assert breaker.state == "metrics_only"
    assert breaker.failure_count == 0


def test_an_override_takes_the_place_of_an_open_circuit(breaker):
    fail(breaker, 2)
    breaker.disable()
    assert breaker.call(fine) == "fine"


def test_what_began_before_an_override_does_not_count_after_it(breaker):
    call = breaker.begin()
    breaker.force_open()
    call.succeeded()
    assert breaker.state == "forced_open"


@pytest.mark.parametrize("name", ["force_open", "disable", "metrics_only"])
def test_an_override_ends_for_who_only_looks_too(clock, name):
    told, listeners = [], Listeners()
    listeners.subscribe(told.append)
    breaker = CircuitBreaker(2, clock=clock, listeners=listeners)
    getattr(breaker, name)("maintenance", seconds=10)
    clock.advance(9.9)
    assert breaker.state != "closed"
    clock.advance(0.1)
    assert (breaker.is_rejecting, breaker.state, breaker.current_state) == (False, "closed", "closed")
    assert (told[-1].new, told[-1].reason) == ("closed", "override ended")
    assert len(told) == 2


@pytest.mark.parametrize("name", ["force_open", "disable", "metrics_only"])
def test_the_state_is_right_at_the_first_look_after_an_override(breaker, clock, name):
    getattr(breaker, name)(seconds=10)
    clock.advance(10)
    assert breaker.state == "closed"


@pytest.mark.parametrize("name", ["disable", "metrics_only"])
def test_calls_count_again_from_the_first_one_after_an_override(breaker, clock, name):
    """Nobody looks in between; healthy calls take the short way and find the end too."""
    getattr(breaker, name)(seconds=10)
    assert breaker.call(fine) == "fine"
    clock.advance(10)
    fail(breaker, 2)
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(fine)


def test_a_healthy_call_after_an_override_ends_it(breaker, clock):
    told = []
    breaker.events.subscribe(told.append)
    breaker.metrics_only(seconds=10)
    clock.advance(10)
    assert breaker.call(fine) == "fine"
    assert [event.new for event in told] == ["metrics_only", "closed"]
