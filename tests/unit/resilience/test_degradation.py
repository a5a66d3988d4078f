"""Graceful degradation."""

import pytest

from backend.errors import CircuitBreakerOpenError, DatabaseError, FeatureDisabledError, NotFoundError
from backend.resilience import (
    FeatureChanged,
    GracefulDegradation,
    Listeners,
    UnknownFeatureError,
    graceful_degradation,
)
from tests.unit.resilience.calls import Down, down, fine
from tests.unit.resilience.green import Cancelled, GreenTimeout
from tests.unit.resilience.overtaken import overtaken


@pytest.fixture
def features(clock):
    made = GracefulDegradation(clock=clock)
    made.register_feature("chat", fallback="Chat unavailable")
    return made


def fail(features, times=5, name="chat"):
    for _ in range(times):
        features.execute_with_fallback(name, down)


def raising(error):
    def func():
        raise error

    return func


def test_a_feature_that_is_on_gives_the_functions_result(features):
    assert features.execute_with_fallback("chat", lambda *args, **kwargs: (args, kwargs), 1, x=2) == ((1,), {"x": 2})


def test_a_failure_gives_the_fallback(features):
    assert features.execute_with_fallback("chat", down) == "Chat unavailable"
    assert features.is_enabled("chat")


def test_five_failures_in_a_row_switch_it_off_and_it_is_not_called_any_more(features):
    fail(features, 4)
    features.execute_with_fallback("chat", fine)
    fail(features, 4)
    assert features.is_enabled("chat")
    fail(features, 1)
    assert not features.is_enabled("chat")
    assert features.reason("chat") == "5 failures in a row, last: Down: down"
    assert features.execute_with_fallback("chat", pytest.fail) == "Chat unavailable"


def test_after_a_while_one_call_is_let_through_and_its_success_switches_it_on(features, clock):
    fail(features)
    clock.advance(60)
    probes = []

    def probe():
        probes.append(features.execute_with_fallback("chat", pytest.fail))
        return "fine"

    assert features.execute_with_fallback("chat", probe) == "fine"
    assert probes == ["Chat unavailable"], "while one is let through the others wait"
    assert features.is_enabled("chat")
    assert features.reason("chat") is None


def test_a_probe_that_fails_leaves_it_off_for_another_while(features, clock):
    fail(features)
    clock.advance(60)
    fail(features, 1)
    clock.advance(59)
    assert features.execute_with_fallback("chat", pytest.fail) == "Chat unavailable"
    clock.advance(1)
    assert features.execute_with_fallback("chat", fine) == "fine"


def test_a_fallback_that_is_a_function_gets_the_arguments_if_it_takes_them(features):
    features.register_feature("echo", fallback=lambda message: f"no answer to {message}")
    features.register_feature("plain", fallback=lambda: "no answer")
    assert features.execute_with_fallback("echo", down_with, "hello") == "no answer to hello"
    assert features.execute_with_fallback("plain", down_with, "hello") == "no answer"


def down_with(_):
    raise Down


def test_fallbacks_are_tried_in_order(features):
    features.register_feature("pulse", fallback=down, fallbacks=[down, {"topics": []}, "never"])
    assert features.execute_with_fallback("pulse", down) == {"topics": []}
    assert features.get_fallback("pulse") == {"topics": []}


def test_none_is_a_fallback_like_any_other(features):
    features.register_feature("quiet", fallback=None)
    assert features.execute_with_fallback("quiet", down) is None


def test_without_a_fallback_errors_are_raised(features):
    features.register_feature("bare")
    for _ in range(5):
        with pytest.raises(Down):
            features.execute_with_fallback("bare", down)
    with pytest.raises(FeatureDisabledError, match="feature bare is off: 5 failures"):
        features.execute_with_fallback("bare", fine)


def test_the_callers_own_fault_is_passed_on_and_does_not_count(features):
    for _ in range(9):
        with pytest.raises(NotFoundError):
            features.execute_with_fallback("chat", raising(NotFoundError("x")))
    assert features.is_enabled("chat")


def test_a_rejection_gives_the_fallback_and_does_not_count(features):
    for _ in range(9):
        assert features.execute_with_fallback("chat", raising(CircuitBreakerOpenError())) == "Chat unavailable"
    assert features.is_enabled("chat")


def test_a_timer_counts_and_a_cancellation_passes(features):
    for _ in range(5):
        assert features.execute_with_fallback("chat", raising(GreenTimeout())) == "Chat unavailable"
    assert not features.is_enabled("chat")
    features.enable_feature("chat")
    with pytest.raises(Cancelled):
        features.execute_with_fallback("chat", raising(Cancelled()))
    assert features.status()["chat"]["failures"] == 0


def test_a_name_that_nobody_registered(features):
    assert not features.is_enabled("chatt")
    assert features.get_fallback("chatt") is None
    assert features.reason("chatt") is None
    assert not features.is_blocked("chatt")
    with pytest.raises(UnknownFeatureError, match="did you mean 'chat'"):
        features.execute_with_fallback("chatt", fine)


def test_registered_again_it_keeps_its_state_and_takes_the_new_fallback(features):
    fail(features)
    features.register_feature("chat", fallback="Later, please")
    assert features.execute_with_fallback("chat", fine) == "Later, please"


def test_every_name_is_known(features):
    features.register_feature("pulse")
    assert features.names() == ["chat", "pulse"]
    assert features.register_feature("pulse") is features.register_feature("pulse")


def test_changes_may_be_told_to_listeners_that_are_given(clock):
    listeners, told = Listeners(), []
    listeners.subscribe(told.append)
    features = GracefulDegradation(clock=clock, listeners=listeners)
    features.disable_feature("chat", "x")
    assert [each.name for each in told] == ["chat"]


def test_only_so_many_changes_are_remembered(clock):
    features = GracefulDegradation(history=3, clock=clock)
    for number in range(5):
        features.disable_feature(f"feature{number}")
    assert [each.name for each in features.history()] == ["feature4", "feature3", "feature2"]


def test_a_name_that_is_like_no_other_gets_no_hint(features):
    with pytest.raises(UnknownFeatureError) as caught:
        features.execute_with_fallback("zzzzzz", fine)
    assert "did you mean" not in str(caught.value)


def test_a_failure_is_logged(features, caplog):
    fail(features, 1)
    assert "feature chat failed with Down, giving its fallback" in caplog.text


def test_each_change_is_told_and_remembered_once(features, clock):
    told = []
    features.listeners.subscribe(told.append)
    fail(features, 7)
    clock.advance(60)
    features.execute_with_fallback("chat", fine)
    features.disable_feature("chat", "maintenance", author="anna")
    features.disable_feature("chat", "still maintenance", author="anna")
    features.enable_feature("chat", "done", author="ben")
    assert [(each.enabled, each.author, each.reason) for each in told] == [
        (False, None, "5 failures in a row, last: Down: down"),
        (True, None, None),
        (False, "anna", "maintenance"),
        (True, "ben", "done"),
    ]
    assert features.history("chat") == told[::-1]
    assert features.history("other") == []
    assert isinstance(features.history()[0], FeatureChanged)


def test_the_reason_holds_no_secrets(features):
    for _ in range(5):
        features.record_failure("chat", DatabaseError("postgres://admin:hunter2@db/x"))
    assert "hunter2" not in features.reason("chat")


def test_failures_may_be_recorded_without_an_error(features):
    for _ in range(5):
        features.record_failure("chat")
    assert features.reason("chat") == "5 failures in a row, last: not told"


def test_threshold_and_recovery_can_be_set(clock):
    features = GracefulDegradation(failure_threshold=2, recovery_seconds=5, clock=clock)
    features.register_feature("chat", fallback=0)
    fail(features, 2)
    assert not features.is_enabled("chat")
    clock.advance(5)
    assert features.execute_with_fallback("chat", fine) == "fine"


def test_there_is_one_for_the_whole_program():
    assert isinstance(graceful_degradation, GracefulDegradation)


@pytest.mark.parametrize(("worked", "level"), [(True, "WARNING"), (False, "INFO")])
def test_going_off_is_a_warning_only_for_what_has_worked_since_the_start(caplog, worked, level):
    caplog.set_level("INFO")
    features = GracefulDegradation()
    features.register_feature("chat", fallback="away")
    if worked:
        features.execute_with_fallback("chat", lambda: "answer")
    features.disable_automatically("chat", "no network")
    (record,) = [record for record in caplog.records if "chat is off" in record.message]
    assert record.levelname == level


def test_reasons_are_cut_at_200_characters(clock):
    features = GracefulDegradation(failure_threshold=1, clock=clock)
    features.register_feature("chat", fallback=None)
    features.record_failure("chat", Down("word " * 100))
    assert len(features.reason("chat")) == len("1 failures in a row, last: ") + 200


def test_the_history_can_be_read_while_it_is_written(clock):
    features = GracefulDegradation(clock=clock)
    features.register_feature("chat")
    features.disable_feature("chat")
    overtaken(features, "_lock", lambda: features.enable_feature("chat"))
    assert [change.enabled for change in features.history("chat")] == [True, False]
