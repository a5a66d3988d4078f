"""The circuit breaker: closed, open, half-open."""

import pybreaker
import pytest

from backend.errors import CircuitBreakerOpenError, NotFoundError
from backend.resilience import CircuitBreaker, CountWindow, Listeners, TimeWindow
from backend.resilience.breaker import _entered
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


def test_the_outcome_of_a_probe_whose_lease_has_ended_is_dropped(clock):
    breaker = CircuitBreaker(1, 60, probe_seconds=10, clock=clock)
    fail(breaker)
    clock.advance(60)
    lost = breaker.begin()
    clock.advance(10)
    lost.succeeded()
    assert breaker.state == "half_open"
    assert breaker.call(fine) == "fine"
    assert breaker.state == "closed"


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


def test_a_late_result_of_an_older_generation_is_dropped(breaker, clock):
    slow_failure, slow_success = breaker.begin(), breaker.begin()
    fail(breaker, 5)
    slow_success.succeeded()
    assert breaker.state == "open", "a success that began before the trip does not close it"
    clock.advance(60)
    breaker.call(fine)
    slow_failure.failed(Down())
    assert breaker.failure_count == 0, "a failure that began two generations ago does not count"


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


def test_breaks_grow_until_it_has_been_closed(clock):
    breaker = CircuitBreaker(1, 10, growth=2, max_timeout=35, clock=clock)
    fail(breaker)
    breaks = []
    for _ in range(3):
        breaks.append(breaker.retry_after)
        clock.advance(breaker.retry_after)
        fail(breaker)
    assert [*breaks, breaker.retry_after] == [10, 20, 35, 35]
    clock.advance(35)
    breaker.call(fine)
    fail(breaker)
    assert breaker.retry_after == 10


def test_reset_closes_it_and_forgets(breaker):
    fail(breaker, 5)
    breaker.reset()
    assert (breaker.state, breaker.failure_count, breaker.last_cause) == ("closed", 0, None)
    assert breaker.call(fine) == "fine"


def test_a_failure_rate_opens_it_in_a_count_window(clock):
    breaker = CircuitBreaker(window=CountWindow(20, 0.5, minimum_calls=10), clock=clock)
    for _ in range(5):
        breaker.call(fine)
        fail(breaker)
    assert breaker.state == "open"


def test_slow_calls_open_it_and_a_timeout_is_slow(clock):
    breaker = CircuitBreaker(window=CountWindow(4, slow_rate=1.0, slow_seconds=2, minimum_calls=2), clock=clock)
    breaker.call(clock.sleep, 2)
    assert breaker.stats.slow == 1
    with pytest.raises(GreenTimeout):
        breaker.call(raising(GreenTimeout()))
    assert breaker.state == "open"


@pytest.mark.parametrize("begin", ["call", "begin"])
def test_slowness_is_measured_from_the_beginning_of_the_call(clock, begin):
    clock.advance(1000)
    breaker = CircuitBreaker(window=CountWindow(10, slow_seconds=2, minimum_calls=5), clock=clock)
    for seconds in (1.9, 2):
        if begin == "call":
            breaker.call(clock.sleep, seconds)
        else:
            call = breaker.begin()
            clock.advance(seconds)
            call.succeeded()
    assert breaker.stats.slow == 1


def test_a_slow_failure_is_slow_and_a_failure(clock):
    breaker = CircuitBreaker(window=CountWindow(10, slow_seconds=2, minimum_calls=5), clock=clock)

    def slow_failure():
        clock.advance(2)
        raise Down

    fail(breaker, func=slow_failure)
    assert (breaker.stats.slow, breaker.stats.failures) == (1, 1)


def test_what_the_window_holds_is_empty_while_it_is_not_closed(clock):
    breaker = CircuitBreaker(window=CountWindow(10, minimum_calls=1), clock=clock)
    breaker.call(fine)
    assert breaker.stats.calls == 1
    fail(breaker)
    assert (breaker.stats.calls, breaker.state) == (0, "open")


def test_of_several_probes_the_share_of_slow_ones_decides_and_breaks_grow(clock):
    window = CountWindow(10, slow_rate=0.5, slow_seconds=2, minimum_calls=1)
    breaker = CircuitBreaker(timeout=10, window=window, permits=4, growth=2, clock=clock)
    fail(breaker)
    clock.advance(10)
    breaker.call(clock.sleep, 2)
    assert breaker.state == "half_open", "one of four is less than half"
    breaker.call(clock.sleep, 2)
    assert (breaker.state, breaker.retry_after) == ("open", 20)
    clock.advance(20)
    for seconds in (2, 1, 1, 1):
        breaker.call(clock.sleep, seconds)
    assert breaker.state == "closed"


def test_a_slow_probe_opens_it_again(clock):
    breaker = CircuitBreaker(timeout=60, window=CountWindow(4, slow_seconds=2, minimum_calls=1), clock=clock)
    fail(breaker)
    clock.advance(60)
    breaker.call(clock.sleep, 3)
    assert breaker.state == "open"
    clock.advance(60)
    breaker.call(clock.sleep, 1)
    assert breaker.state == "closed"


def test_a_time_window_forgets_old_failures(clock):
    breaker = CircuitBreaker(window=TimeWindow(10, minimum_calls=2, clock=clock), clock=clock)
    fail(breaker)
    clock.advance(11)
    fail(breaker)
    assert breaker.state == "closed"
    fail(breaker)
    assert breaker.state == "open"


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


def test_as_a_decorator_it_keeps_the_functions_name(breaker):
    @breaker
    def fetch(x):
        """Fetch."""
        return x + 1

    assert fetch(1) == 2
    assert (fetch.__name__, fetch.__doc__) == ("fetch", "Fetch.")


def test_coroutine_functions_are_refused(breaker):
    with pytest.raises(TypeError, match="synchronous"):

        @breaker
        async def fetch():
            return 1

    with pytest.raises(TypeError, match="synchronous"):
        breaker.call_async(fine)


def test_as_a_context_manager_it_guards_the_block(breaker):
    for _ in range(5):
        with pytest.raises(Down), breaker:
            down()
    assert breaker.state == "open"
    with pytest.raises(CircuitBreakerOpenError), breaker:
        pytest.fail("the block was run")


def test_a_block_that_succeeds_starts_the_count_anew_and_gives_the_breaker(breaker):
    fail(breaker, 4)
    with breaker as entered:
        assert entered is breaker
    assert breaker.failure_count == 0


def test_a_block_that_has_ended_is_forgotten(breaker):
    with breaker:
        pass
    with pytest.raises(Down), breaker:
        down()
    assert breaker.failure_count == 1
    assert _entered.get() == ()


def test_blocks_of_several_breakers_may_be_nested(clock):
    outer, inner = CircuitBreaker(1, clock=clock), CircuitBreaker(1, clock=clock)
    with outer:
        with pytest.raises(Down), inner:
            down()
        with outer:
            assert inner.state == "open"
    assert outer.state == "closed"


def test_calling_guards_a_block_too(breaker):
    fail(breaker, 4)
    with breaker.calling():
        assert breaker.failure_count == 4
    assert breaker.failure_count == 0
    with pytest.raises(Down), breaker.calling():
        down()
    assert breaker.failure_count == 1


def test_a_call_that_is_dropped_says_nothing(breaker, clock):
    fail(breaker, 5)
    clock.advance(60)
    breaker.begin().dropped()
    assert breaker.state == "half_open"
    assert breaker.call(fine) == "fine"


def test_listeners_hear_each_change_once_in_order(clock):
    heard, listeners = [], Listeners()
    listeners.subscribe(heard.append)
    breaker = CircuitBreaker(2, 60, name="kev", feature="threats", clock=clock, listeners=listeners)
    fail(breaker, 3)
    clock.advance(60)
    breaker.call(fine)
    assert [(each.old, each.new) for each in heard] == [
        ("closed", "open"),
        ("open", "half_open"),
        ("half_open", "closed"),
    ]
    opened = heard[0]
    assert (opened.name, opened.feature, opened.reason, opened.retry_after) == ("kev", "threats", "Down: down", 60)


def test_a_listener_that_raises_or_calls_the_breaker_changes_nothing(clock):
    listeners = Listeners()
    breaker = CircuitBreaker(2, 60, clock=clock, listeners=listeners)
    seen = []

    def meddle(event):
        seen.append((event.new, breaker.state))
        fail(breaker)
        raise RuntimeError("a broken listener")

    listeners.subscribe(meddle)
    fail(breaker)
    with pytest.raises(Down):
        breaker.call(down)
    assert breaker.state == "open"
    assert seen == [("open", "open")]


def test_a_change_made_by_a_listener_is_told_after_the_one_it_listens_to(clock):
    heard, listeners = [], Listeners()
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=listeners)
    listeners.subscribe(lambda event: breaker.reset() if event.new == "open" else None)
    listeners.subscribe(lambda event: heard.append(event.new))
    fail(breaker)
    assert heard == ["open", "closed"]
    assert breaker.state == "closed"


def test_a_greenlet_killed_while_a_listener_waits_still_delivers_the_rest(clock):
    heard, listeners = [], Listeners()
    breaker = CircuitBreaker(1, 60, clock=clock, listeners=listeners)

    def killed(event):
        if event.new == "open":
            breaker.reset()
            raise Cancelled

    listeners.subscribe(killed)
    listeners.subscribe(lambda event: heard.append(event.new))
    with pytest.raises(Cancelled):
        fail(breaker)
    assert heard == ["closed"]


def test_its_state_as_told_to_the_storage(breaker, clock):
    fail(breaker, 5)
    kept = breaker.snapshot
    assert (kept.state, kept.generation, kept.open_seconds, kept.failures) == ("open", 1, 60, 5)
    assert kept.changed_at == clock.now()
