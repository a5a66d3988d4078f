"""Features that a person or a breaker switches: who goes first, and how long it holds."""

import pytest

from backend.resilience import GracefulDegradation
from tests.unit.resilience.calls import down, fine
from tests.unit.resilience.overtaken import overtaken


@pytest.fixture
def features(clock):
    made = GracefulDegradation(clock=clock)
    made.register_feature("chat", fallback="Chat unavailable")
    return made


def fail(features, times=5, name="chat"):
    for _ in range(times):
        features.execute_with_fallback(name, down)


def test_disabled_by_hand_it_stays_off_whatever_happens(features, clock):
    features.disable_feature("chat", "no budget", author="anna")
    clock.advance(100_000)
    features.record_success("chat")
    features.enable_automatically("chat")
    assert not features.is_enabled("chat")
    assert features.is_blocked("chat")
    assert features.execute_with_fallback("chat", pytest.fail) == "Chat unavailable"
    assert features.status()["chat"] == {
        "enabled": False,
        "failures": 0,
        "reason": "no budget",
        "author": "anna",
        "until": None,
    }
    features.enable_feature("chat", author="anna")
    assert features.execute_with_fallback("chat", fine) == "fine"


def test_disabled_for_a_time_it_comes_back_by_itself(features, clock):
    features.disable_feature("chat", "deploying", seconds=30)
    assert features.status()["chat"]["until"] == "2026-01-01T00:00:30+00:00"
    clock.advance(29)
    assert not features.is_enabled("chat")
    clock.advance(1)
    assert features.is_enabled("chat")


def test_kept_on_by_hand_failures_cannot_switch_it_off(features, clock):
    features.override_feature("chat", True, "the demo must go on", seconds=60)
    fail(features, 9)
    assert features.is_enabled("chat")
    clock.advance(60)
    assert not features.is_enabled("chat"), "what the failures said counts again"


def test_disabled_before_it_is_registered_it_stays_off(features):
    features.disable_feature("scans", "no scanner found")
    features.register_feature("scans", enabled=True, fallback=[])
    assert not features.is_enabled("scans")
    assert features.execute_with_fallback("scans", pytest.fail) == []


def test_registered_as_off_it_is_off(features):
    features.register_feature("beta", enabled=False)
    assert not features.is_enabled("beta")
    assert features.reason("beta") == "switched off when it was registered"
    features.enable_feature("beta")
    assert features.is_enabled("beta")


def test_managed_by_a_breaker_it_is_tried_because_rejections_are_cheap(features):
    features.disable_automatically("chat", "grok is failing")
    assert (features.is_enabled("chat"), features.reason("chat")) == (False, "grok is failing")
    assert features.execute_with_fallback("chat", fine) == "fine"
    assert features.is_enabled("chat")


def test_a_breaker_that_closes_switches_on_and_the_count_starts_anew(features):
    fail(features, 4)
    features.disable_automatically("chat", "grok is failing")
    features.disable_automatically("chat", "grok is failing")
    assert features.status()["chat"]["failures"] == 4
    features.enable_automatically("chat")
    assert features.is_enabled("chat")
    assert features.status()["chat"]["failures"] == 0
    fail(features, 4)
    assert features.is_enabled("chat")


def test_once_a_breaker_no_longer_watches_its_own_failures_do(features, clock):
    features.disable_automatically("chat", "grok is failing")
    features.enable_automatically("chat")
    fail(features)
    assert features.execute_with_fallback("chat", pytest.fail) == "Chat unavailable"


def test_a_managed_feature_that_fails_again_stays_off_with_its_reason(features):
    features.disable_automatically("chat", "grok is failing")
    fail(features, 9)
    assert features.reason("chat") == "grok is failing"


def test_disabled_by_hand_what_its_failures_said_is_kept(features):
    fail(features)
    features.disable_feature("chat", "maintenance", seconds=1)
    features._clock.advance(1)
    assert features.reason("chat") == "5 failures in a row, last: Down: down"
    assert not features.is_enabled("chat")


def test_the_end_of_an_override_is_seen_by_the_next_call_and_told(features, clock):
    told = []
    features.listeners.subscribe(told.append)
    features.disable_feature("chat", "deploying", author="anna", seconds=30)
    clock.advance(30)
    assert features.execute_with_fallback("chat", fine) == "fine"
    assert [(each.enabled, each.reason, each.author) for each in told] == [
        (False, "deploying", "anna"),
        (True, "the override has ended", "anna"),
    ]


def test_the_status_of_a_feature_kept_on_tells_why(features):
    features.override_feature("chat", True, "the demo must go on", author="anna")
    assert features.status()["chat"]["reason"] == "the demo must go on"


def test_managed_by_a_breaker_it_is_tried_each_time():
    features = GracefulDegradation()
    features.register_feature("chat", fallback="later")
    features.disable_automatically("chat", "open")
    assert [features.execute_with_fallback("chat", fine) for _ in range(3)] == ["fine"] * 3
    features.disable_automatically("chat", "open")
    calls = []

    def refuse():
        calls.append(1)
        down()

    for _ in range(3):
        features.execute_with_fallback("chat", refuse)
    assert len(calls) == 3


def test_switched_on_by_hand_no_breaker_watches_any_more(clock):
    features = GracefulDegradation(clock=clock)
    features.register_feature("chat", fallback="later")
    features.disable_automatically("chat", "open")
    features.enable_feature("chat", author="anna")
    for _ in range(5):
        features.execute_with_fallback("chat", down)
    assert features.execute_with_fallback("chat", pytest.fail) == "later"


def test_an_override_that_is_replaced_while_its_end_is_noticed_stays(clock):
    features = GracefulDegradation(clock=clock)
    features.register_feature("chat")
    features.disable_feature("chat", "for a minute", seconds=60)
    clock.advance(60)
    overtaken(features, "_lock", lambda: features.disable_feature("chat", "for good"))
    assert not features.is_enabled("chat")
    assert features.reason("chat") == "for good"
