"""The guards together: what they say about features."""

import pytest

from backend.errors import DatabaseError
from backend.resilience import (
    BreakerChanged,
    ErrorAggregator,
    ErrorRecorded,
    FeatureChanged,
    GracefulDegradation,
    Guards,
    Listeners,
    Policy,
)
from tests.unit.resilience.calls import fail, fine

ONCE = Policy(attempts=1)


@pytest.fixture
def guards(clock):
    return Guards(clock=clock)


@pytest.fixture
def kev(guards):
    return guards.add("cisa_kev", feature="threat_intelligence", policy=ONCE)


def test_a_healthy_feature(guards, kev):
    assert guards.feature_status() == {
        "threat_intelligence": {
            "enabled": True,
            "circuit_breaker": "closed",
            "failures": 0,
            "dependencies": {"cisa_kev": {"circuit_breaker": "closed", "failures": 0, "retry_after": None}},
        }
    }


def test_a_feature_is_off_while_its_breaker_is_open_and_on_again_when_it_closes(guards, kev, clock):
    fail(kev, 5)
    status = guards.feature_status()["threat_intelligence"]
    assert (status["enabled"], status["circuit_breaker"], status["failures"]) == (False, "open", 5)
    assert status["reason"] == "cisa_kev is failing: Down"
    assert status["dependencies"]["cisa_kev"]["retry_after"] == 60
    clock.advance(60)
    assert guards.feature_status()["threat_intelligence"]["circuit_breaker"] == "half_open"
    kev.call(fine)
    status = guards.feature_status()["threat_intelligence"]
    assert (status["enabled"], status["circuit_breaker"], status["failures"]) == (True, "closed", 0)
    assert "reason" not in status


def test_a_feature_works_as_long_as_one_essential_dependency_does(guards, kev):
    other = guards.add("ghsa", feature="threat_intelligence", policy=ONCE)
    fail(kev, 5)
    assert guards.feature_status()["threat_intelligence"]["enabled"]
    assert guards.feature_status()["threat_intelligence"]["circuit_breaker"] == "closed"
    fail(other, 5)
    status = guards.feature_status()["threat_intelligence"]
    assert (status["enabled"], status["circuit_breaker"]) == (False, "open")


def test_what_only_enriches_never_counts(guards, kev):
    epss = guards.add("epss", feature="threat_intelligence", policy=ONCE, essential=False)
    fail(epss, 5)
    status = guards.feature_status()["threat_intelligence"]
    assert (status["enabled"], status["circuit_breaker"], status["failures"]) == (True, "closed", 0)
    assert status["dependencies"]["epss"]["circuit_breaker"] == "open"


def test_a_manual_switch_stays_when_the_breaker_closes(guards, kev, clock):
    fail(kev, 5)
    guards.degradation.disable_feature("threat_intelligence", "maintenance")
    kev.breaker.reset()
    assert not guards.feature_status()["threat_intelligence"]["enabled"]
    assert guards.feature_status()["threat_intelligence"]["reason"] == "maintenance"


def test_a_breaker_forced_open_takes_its_feature_off(guards, kev):
    kev.breaker.force_open("maintenance")
    status = guards.feature_status()["threat_intelligence"]
    assert (status["enabled"], status["circuit_breaker"]) == (False, "open")
    assert status["dependencies"]["cisa_kev"]["circuit_breaker"] == "forced_open"
    kev.breaker.disable()
    assert guards.feature_status()["threat_intelligence"]["enabled"]
    assert guards.feature_status()["threat_intelligence"]["circuit_breaker"] == "closed"


def test_resetting_closes_all_and_switches_on(guards, kev):
    epss = guards.add("epss", feature="threat_intelligence", policy=ONCE, essential=False)
    fail(kev, 5)
    fail(epss, 5)
    guards.degradation.disable_feature("threat_intelligence", "maintenance")
    guards.reset("threat_intelligence", author="anna")
    status = guards.feature_status()["threat_intelligence"]
    assert (status["enabled"], status["circuit_breaker"], status["failures"]) == (True, "closed", 0)
    assert epss.breaker.state == "closed"
    assert kev.breaker.snapshot.author == "anna"
    with pytest.raises(KeyError, match="no feature 'nothing'"):
        guards.reset("nothing")


def test_features_without_dependencies_are_shown_too(guards):
    guards.degradation.register_feature("scan_processing")
    assert guards.feature_status()["scan_processing"] == {
        "enabled": True,
        "circuit_breaker": "closed",
        "failures": 0,
        "dependencies": {},
    }


def test_guards_are_found_by_name_and_feature(guards, kev):
    assert guards["cisa_kev"] is kev
    assert "cisa_kev" in guards
    assert guards.of("threat_intelligence") == [kev]
    with pytest.raises(KeyError, match="no guard 'kev'; there are cisa_kev"):
        guards["kev"]


def test_a_name_is_given_once(guards, kev):
    with pytest.raises(ValueError, match="already"):
        guards.add("cisa_kev", feature="other")


def test_everything_reaches_the_listeners_once_and_features_follow_first(clock):
    listeners, told = Listeners(), []
    degradation = GracefulDegradation(clock=clock, listeners=listeners)
    guards = Guards(clock=clock, degradation=degradation, listeners=listeners, aggregator=ErrorAggregator(clock=clock))
    guard = guards.add("x", feature="y", policy=Policy(attempts=1, failure_threshold=1))
    listeners.subscribe(lambda event: told.append((type(event), guards.feature_status()["y"]["enabled"])))
    fail(guard)
    kinds = [kind for kind, _ in told]
    assert [kinds.count(kind) for kind in (BreakerChanged, FeatureChanged, ErrorRecorded)] == [1, 1, 1]
    assert (BreakerChanged, False) in told, "who hears of the breaker sees the feature off already"


def test_the_feature_may_be_registered_before_with_its_fallback(clock):
    degradation = GracefulDegradation(clock=clock)
    degradation.register_feature("grok_chat", fallback="Service unavailable")
    guards = Guards(clock=clock, degradation=degradation)
    guard = guards.add("grok", feature="grok_chat", policy=Policy(attempts=1, failure_threshold=1))
    fail(guard)
    assert degradation.execute_with_fallback("grok_chat", guard.call, pytest.fail) == "Service unavailable"
    assert degradation.get_fallback("grok_chat") == "Service unavailable"
    clock.advance(60)
    assert degradation.execute_with_fallback("grok_chat", guard.call, fine) == "fine"
    assert degradation.is_enabled("grok_chat")


def test_the_reason_that_everybody_sees_has_the_public_text_of_the_error_and_no_internals(guards):
    guard = guards.add("db", feature="data", policy=Policy(attempts=1))

    def broken():
        raise DatabaseError("SQLITE_IOERR at /secret/path")

    for _ in range(5):
        with pytest.raises(DatabaseError):
            guard.call(broken)
    reason = guards.feature_status()["data"]["reason"]
    assert reason == f"db is failing: {DatabaseError.public_message}"
