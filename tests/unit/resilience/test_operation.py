"""RetryableOperation."""

import pytest

from backend.errors import CircuitBreakerOpenError, DatabaseError, NetworkError
from backend.resilience import CircuitBreaker, RetryableOperation


def test_defaults_are_the_documented_ones():
    operation = RetryableOperation()
    assert (operation.max_retries, operation.base_delay, operation.max_delay) == (3, 1.0, 30.0)
    assert operation.circuit_breaker.state == "closed"


def test_it_retries_what_may_pass_and_hands_arguments_on(clock):
    calls = []

    def query(*args, **kwargs):
        calls.append((args, kwargs))
        if len(calls) < 4:
            raise DatabaseError("away")
        return "rows"

    assert RetryableOperation(clock=clock).execute(query, "experiments", limit=5) == "rows"
    assert calls == [(("experiments",), {"limit": 5})] * 4
    assert clock.sleeps == [1, 2, 4]


def test_waits_end_at_the_longest(clock):
    def query():
        raise NetworkError("away")

    breaker = CircuitBreaker(100, clock=clock)
    with pytest.raises(NetworkError):
        RetryableOperation(6, 4, 10, circuit_breaker=breaker, clock=clock).execute(query)
    assert clock.sleeps == [4, 8, 10, 10, 10, 10]


def test_other_errors_are_raised_at_once_and_count_for_the_breaker(clock):
    def query():
        raise KeyError("column")

    operation = RetryableOperation(clock=clock)
    with pytest.raises(KeyError):
        operation.execute(query)
    assert (clock.sleeps, operation.circuit_breaker.failure_count) == ([], 1)


def test_an_open_circuit_rejects_without_an_attempt(clock):
    operation = RetryableOperation(circuit_breaker=CircuitBreaker(1, clock=clock), clock=clock)
    with pytest.raises(KeyError):
        operation.execute({}.__getitem__, "x")
    with pytest.raises(CircuitBreakerOpenError):
        operation.execute(pytest.fail)


def test_a_breaker_that_opens_on_the_way_ends_the_retries_with_the_real_error(clock):
    calls = []

    def query():
        calls.append(1)
        raise DatabaseError("away")

    operation = RetryableOperation(10, circuit_breaker=CircuitBreaker(3, clock=clock), clock=clock)
    with pytest.raises(DatabaseError):
        operation.execute(query)
    assert len(calls) == 3
    assert operation.circuit_breaker.state == "open"
