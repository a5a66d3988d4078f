"""The circuit breaker: closed, open, half-open."""

import pybreaker
import pytest

from backend.errors import CircuitBreakerOpenError, NotFoundError
from backend.resilience import CircuitBreaker
from tests.unit.resilience.calls import Down, down, fail, fine
from tests.unit.resilience.green import Cancelled, GreenTimeout


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(5, 60, name="kev", clock=clock)


def raising(error):
    def func():
        raise error

    return func


def test_it_is_closed_at_first_and_passes_arguments_and_results_on(breaker):
    assert breaker.state == "closed"
    assert breaker.call(lambda *args, **kwargs: (args, kwargs), 1, 2, name="x") == ((1, 2), {"name": "x"})


def test_a_parameter_called_func_reaches_the_function(breaker):
    assert breaker.call(lambda func: func, func=7) == 7


def test_five_failures_in_a_row_open_it_and_each_raises_its_own_error(breaker):
    for number in range(1, 6):
        with pytest.raises(Down):
            breaker.call(down)
        assert breaker.failure_count == number
    assert breaker.state == "open"


def test_a_success_in_between_starts_the_count_anew(breaker):
    fail(breaker, 4)
    breaker.call(fine)
    fail(breaker, 4)
    assert breaker.state == "closed"
    assert breaker.failure_count == 4


def test_a_rejection_makes_no_call_and_tells_everything(breaker, clock):
    fail(breaker, 5)
    clock.advance(20)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        breaker.call(pytest.fail, "the function was called")
    error = caught.value
    assert (error.name, error.state, error.retry_after) == ("kev", "open", 40)
    assert isinstance(error.last_cause, Down)
    assert isinstance(error, pybreaker.CircuitBreakerError), "code written for pybreaker catches it"
    assert str(error) == "circuit breaker kev is open, next try in 40.0 s, last error: Down: down"
    assert error.__cause__ is None


def test_the_cause_that_is_kept_holds_no_frames(breaker):
    fail(breaker, 5)
    assert breaker.last_cause is not None
    assert breaker.last_cause.__traceback__ is None


def test_after_the_timeout_one_success_closes_it(breaker, clock):
    fail(breaker, 5)
    clock.advance(59.9)
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(fine)
    assert breaker.retry_after == pytest.approx(0.1)
    clock.advance(0.1)
    assert breaker.state == "half_open"
    assert breaker.call(fine) == "fine"
    assert (breaker.state, breaker.failure_count, breaker.retry_after) == ("closed", 0, None)


def test_a_probe_that_fails_opens_it_for_another_timeout(breaker, clock):
    fail(breaker, 5)
    clock.advance(60)
    with pytest.raises(Down):
        breaker.call(down)
    assert breaker.state == "open"
    assert breaker.retry_after == 60
    assert breaker.failure_count == 6


def test_half_open_admits_one_probe_at_a_time(breaker, clock):
    fail(breaker, 5)
    clock.advance(60)
    probe = breaker.begin()
    assert breaker.state == "half_open"
    with pytest.raises(CircuitBreakerOpenError) as caught:
        breaker.call(fine)
    assert (caught.value.state, caught.value.retry_after) == ("half_open", 1)
    probe.succeeded()
    assert breaker.state == "closed"


def test_a_lost_probers_permit_returns_when_its_lease_ends(clock):
    breaker = CircuitBreaker(1, 60, probe_seconds=10, clock=clock)
    fail(breaker)
    clock.advance(60)
    lost = breaker.begin()
    clock.advance(9.9)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        breaker.begin()
    assert caught.value.retry_after == pytest.approx(0.1)
    clock.advance(0.1)
    breaker.begin()
    lost.succeeded()
    assert breaker.state == "half_open", "who lost the lease has no say any more"


def test_a_rejection_in_half_open_still_tells_the_cause(breaker, clock):
    fail(breaker, 5)
    clock.advance(60)
    breaker.begin()
    with pytest.raises(CircuitBreakerOpenError) as caught:
        breaker.call(fine)
    assert isinstance(caught.value.last_cause, Down)


def test_whether_it_would_reject_is_known_without_a_call(breaker, clock):
    assert not breaker.is_rejecting
    fail(breaker, 5)
    assert breaker.is_rejecting
    clock.advance(60)
    assert not breaker.is_rejecting
    breaker.force_open()
    assert breaker.is_rejecting


@pytest.mark.parametrize("stop", [Cancelled(), GeneratorExit(), KeyboardInterrupt(), SystemExit()])
def test_a_cancelled_call_is_neither_success_nor_failure_and_gives_its_permit_back(breaker, clock, stop):
    fail(breaker, 4)
    with pytest.raises(type(stop)):
        breaker.call(raising(stop))
    assert breaker.failure_count == 4
    fail(breaker)
    clock.advance(60)
    with pytest.raises(type(stop)):
        breaker.call(raising(stop))
    assert breaker.state == "half_open"
    assert breaker.call(fine) == "fine", "the permit is free again at once"


def test_a_timer_of_the_greenlet_library_counts_as_a_failure(breaker):
    for _ in range(5):
        with pytest.raises(GreenTimeout):
            breaker.call(raising(GreenTimeout()))
    assert breaker.state == "open"


def test_errors_that_do_not_count_leave_the_counter_as_it_is(clock):
    breaker = CircuitBreaker(5, ignore=[KeyError], expected=[IndexError], clock=clock)
    fail(breaker, 4)
    for error in (NotFoundError("x"), KeyError("x"), IndexError("x")):
        with pytest.raises(type(error)):
            breaker.call(raising(error))
    assert breaker.failure_count == 4, "neither counted nor reset"


def test_an_ignored_error_leaves_a_probe_undecided_and_an_expected_one_proves_it(clock):
    breaker = CircuitBreaker(1, 60, ignore=[KeyError], expected=[IndexError], clock=clock)
    fail(breaker)
    clock.advance(60)
    with pytest.raises(KeyError):
        breaker.call(raising(KeyError()))
    assert breaker.state == "half_open"
    with pytest.raises(IndexError):
        breaker.call(raising(IndexError()))
    assert breaker.state == "closed"


def test_a_permit_is_settled_only_once(clock):
    breaker = CircuitBreaker(1, 60, permits=2, clock=clock)
    fail(breaker)
    clock.advance(60)
    probe = breaker.begin()
    probe.succeeded()
    probe.succeeded()
    assert breaker.state == "half_open"


def test_several_permits_must_all_succeed(clock):
    breaker = CircuitBreaker(1, 60, permits=2, clock=clock)
    fail(breaker)
    clock.advance(60)
    first, second = breaker.begin(), breaker.begin()
    with pytest.raises(CircuitBreakerOpenError):
        breaker.begin()
    first.succeeded()
    with pytest.raises(CircuitBreakerOpenError):
        breaker.begin()
    second.succeeded()
    assert breaker.state == "closed"


def test_reset_closes_it_and_forgets(breaker):
    fail(breaker, 5)
    breaker.reset()
    assert (breaker.state, breaker.failure_count, breaker.last_cause) == ("closed", 0, None)
    assert breaker.call(fine) == "fine"


def test_presets():
    strict, moderate, lenient = CircuitBreaker.strict(), CircuitBreaker.moderate(), CircuitBreaker.lenient()
    assert [(each.fail_max, each.reset_timeout) for each in (strict, moderate, lenient)] == [
        (3, 30),
        (5, 60),
        (10, 120),
    ]
    assert (CircuitBreaker().fail_max, CircuitBreaker().reset_timeout) == (5, 60)


@pytest.mark.parametrize("given", [{"failure_threshold": 0}, {"permits": 0}, {"probe_seconds": 0}, {"timeout": -1}])
def test_numbers_that_make_no_sense_are_refused(given):
    with pytest.raises(ValueError, match=r"at least|needs"):
        CircuitBreaker(**given)


def test_its_state_as_told_to_the_storage(breaker, clock):
    fail(breaker, 5)
    kept = breaker.snapshot
    assert (kept.state, kept.generation, kept.open_seconds, kept.failures) == ("open", 1, 60, 5)
    assert kept.changed_at == clock.now()
