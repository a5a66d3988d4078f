"""The ways to use a circuit breaker: decorator, block, a call made elsewhere; and who listens to it."""

import contextvars

import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import CircuitBreaker, Listeners
from backend.resilience.breaker import _entered
from tests.unit.resilience.calls import Down, down, fail, fine
from tests.unit.resilience.green import Cancelled


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(5, 60, name="kev", clock=clock)


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


def test_a_late_result_of_an_older_generation_is_dropped(breaker, clock):
    slow_failure, slow_success = breaker.begin(), breaker.begin()
    fail(breaker, 5)
    slow_success.succeeded()
    assert breaker.state == "open", "a success that began before the trip does not close it"
    clock.advance(60)
    breaker.call(fine)
    slow_failure.failed(Down())
    assert breaker.failure_count == 0, "a failure that began two generations ago does not count"


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


def test_blocks_in_generators_may_end_in_any_order(clock):
    first, second = CircuitBreaker(1, clock=clock), CircuitBreaker(1, clock=clock)

    def guarded(breaker, error=None):
        with breaker:
            yield
            if error:
                raise error

    begun, other = guarded(first, Down()), guarded(second)
    next(begun)
    next(other)
    with pytest.raises(Down):
        next(begun)
    assert list(other) == []
    assert (first.state, second.state) == ("open", "closed")
    assert _entered.get() == ()


def test_a_block_that_ends_first_leaves_the_others_theirs(clock):
    breakers = [CircuitBreaker(1, clock=clock) for _ in range(3)]
    for breaker in breakers:
        breaker.__enter__()
    breakers[0].__exit__(None, None, None)
    assert [breaker for breaker, _ in _entered.get()] == breakers[1:]
    for breaker in breakers[1:]:
        breaker.__exit__(Down, Down(), None)
    assert [breaker.state for breaker in breakers] == ["closed", "open", "open"]


def test_of_nested_blocks_of_one_breaker_the_inner_one_ends_first(clock):
    breaker = CircuitBreaker(2, clock=clock)
    with breaker:
        ((_, outer),) = _entered.get()
        with breaker:
            assert _entered.get()[0] == (breaker, outer)
        assert _entered.get() == ((breaker, outer),)
    assert _entered.get() == ()


def test_a_block_that_ends_in_another_context_passes_its_error_on_and_loses_its_lease(clock):
    breaker = CircuitBreaker(1, 60, probe_seconds=10, clock=clock)
    fail(breaker)
    clock.advance(60)

    def guarded():
        with breaker:
            yield
            raise Down

    begun = guarded()
    contextvars.copy_context().run(next, begun)
    with pytest.raises(Down):
        next(begun)
    assert breaker.state == "half_open"
    clock.advance(10)
    assert breaker.call(fine) == "fine"
