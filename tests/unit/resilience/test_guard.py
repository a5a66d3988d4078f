"""The guard: the one way out of the process."""

import pytest

from backend.errors import CircuitBreakerOpenError, NetworkError
from backend.resilience import Guards, Policy
from backend.resilience.testing import FakeClock


def _broken():
    raise NetworkError("down")


def test_five_failures_open_the_breaker_and_the_feature_follows_it():
    clock = FakeClock()
    guards = Guards(clock=clock)
    guard = guards.add("cisa_kev", feature="threat_intelligence", policy=Policy(attempts=1))
    for _ in range(5):
        with pytest.raises(NetworkError):
            guard.call(_broken)
    with pytest.raises(CircuitBreakerOpenError) as caught:
        guard.call(_broken)
    assert caught.value.retry_after == 60
    assert guards.feature_status()["threat_intelligence"]["circuit_breaker"] == "open"
    assert guards.feature_status()["threat_intelligence"]["enabled"] is False
    clock.advance(60)
    assert guard.call(lambda: 7) == 7
    status = guards.feature_status()["threat_intelligence"]
    assert (status["enabled"], status["circuit_breaker"], status["failures"]) == (True, "closed", 0)
    assert guards.aggregator.get_error_stats()["errors_by_type"] == {"threat_intelligence_failure": 5}
