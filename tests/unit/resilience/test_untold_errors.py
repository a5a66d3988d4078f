"""An error whose own text cannot be had is an error like any other."""

import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import (
    CircuitBreaker,
    DashboardErrorHandler,
    ErrorAggregator,
    GracefulDegradation,
    Guards,
    safe_api_call,
)
from backend.resilience.rejection import without_traceback


class Untold(Exception):
    """Raises when it is asked for its text, as classes do that read what was never set."""

    def __str__(self):
        raise AttributeError("response")


class OwnConstructor(Untold):
    def __new__(cls, /, *, given):
        return super().__new__(cls)

    def __init__(self, /, *, given):
        super().__init__("x")


def untold():
    raise Untold


def test_it_trips_the_breaker_and_is_raised_as_it_is(clock):
    breaker = CircuitBreaker(1, name="feed", clock=clock)
    with pytest.raises(Untold):
        breaker.call(untold)
    assert (breaker.state, breaker.snapshot.reason) == ("open", "Untold: <Untold>")
    with pytest.raises(CircuitBreakerOpenError) as rejected:
        breaker.call(untold)
    assert str(rejected.value).endswith("last error: Untold: <Untold>")


def test_its_copy_can_be_made_whatever_its_constructor_wants():
    assert str(without_traceback(OwnConstructor(given=1))) == "OwnConstructor: <OwnConstructor>"


def test_the_guard_gives_the_fallback_for_it_and_counts_it(clock):
    guards = Guards(clock=clock)
    guard = guards.add("feed", feature="threats")
    assert guard.call(untold, fallback="older") == "older"
    assert guards.aggregator.get_recent_errors()[0]["message"] == "Untold: <Untold>"


def test_features_and_safe_calls_give_their_fallbacks(clock):
    features = GracefulDegradation(failure_threshold=1, clock=clock)
    features.register_feature("chat", fallback="later")
    assert features.execute_with_fallback("chat", untold) == "later"
    assert features.reason("chat") == "1 failures in a row, last: Untold: <Untold>"
    errors = ErrorAggregator(clock=clock)
    assert safe_api_call(untold, "later", 0, aggregator=errors, clock=clock) == "later"
    assert errors.get_error_stats()["total_errors"] == 1


def test_it_is_answered_and_recorded(clock):
    errors = ErrorAggregator(clock=clock)
    body, status = DashboardErrorHandler(aggregator=errors).handle_error(Untold(), {"endpoint": "/x"})
    assert (status, body["error_code"]) == (500, "INTERNAL_ERROR")
    assert errors.get_recent_errors()[0]["message"] == "<Untold>"
