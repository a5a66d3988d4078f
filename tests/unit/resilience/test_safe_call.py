"""Calls that never raise."""

import time

import pytest

from backend import runtime
from backend.errors import CircuitBreakerOpenError, NetworkError, ValidationError
from backend.resilience import ErrorAggregator, safe_api_call, with_fallback
from tests.unit.resilience.calls import Down, down
from tests.unit.resilience.green import Cancelled, GreenTimeout


@pytest.fixture
def safe(clock):
    def call(func, fallback=None, max_retries=3, log_name="Grok Chat"):
        return safe_api_call(
            func, fallback, max_retries, log_name, clock=clock, random=lambda: 0.5, aggregator=safe_errors
        )

    safe_errors = call.errors = ErrorAggregator(clock=clock)
    return call


def raising(error):
    def func():
        raise error

    return func


def test_a_result_is_passed_on(safe):
    assert safe(lambda: 7) == 7


def test_it_tries_again_and_then_gives_the_fallback(safe, clock):
    calls = []
    assert safe(lambda: (calls.append(1), down()), fallback={"data": []}) == {"data": []}
    assert len(calls) == 4
    assert clock.sleeps == [0.5, 1, 2]


def test_a_fallback_may_be_made(safe):
    assert safe(down, fallback=lambda: ["cached"], max_retries=0) == ["cached"]


def test_the_failure_is_counted_and_logged_once_under_its_name(safe, caplog):
    safe(raising(NetworkError("token=hunter2")), max_retries=2)
    assert safe.errors.get_error_stats()["errors_by_type"] == {"grok_chat_failure": 1}
    assert len(caplog.records) == 1
    assert "Grok Chat failed, giving its fallback: NetworkError" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("error", [ValidationError("x"), CircuitBreakerOpenError(), KeyError("x")])
def test_what_a_retry_cannot_help_gives_the_fallback_too(safe, clock, error):
    assert safe(raising(error), fallback="instead", max_retries=0) == "instead"


def test_a_rejection_is_not_waited_for(safe, clock):
    assert safe(raising(CircuitBreakerOpenError()), fallback="instead") == "instead"
    assert clock.sleeps == []


def test_timers_are_failures_and_cancellations_pass(safe):
    assert safe(raising(GreenTimeout()), fallback="instead", max_retries=0) == "instead"
    with pytest.raises(Cancelled):
        safe(raising(Cancelled()))


@pytest.mark.skipif(runtime.mode() == "threading", reason="threads cannot be interrupted")
def test_a_timer_that_a_caller_has_set_passes(safe):
    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0.01, safe, lambda: time.sleep(5), fallback="instead")


def test_with_fallback_says_what_failed(caplog):
    with_fallback("instead")(down)()
    assert "down failed with Down, giving its fallback" in caplog.text


def test_without_names_the_defaults_do():
    assert safe_api_call(raising(KeyError()), max_retries=0) is None


def test_with_fallback_gives_value_or_function_of_the_arguments():
    @with_fallback([])
    def plain():
        raise Down

    @with_fallback(lambda name: f"no {name}")
    def made(name):
        """Make."""
        raise Down

    assert plain() == []
    assert made("threats") == "no threats"
    assert (made.__name__, made.__doc__) == ("made", "Make.")


def test_with_fallback_stands_in_for_the_errors_given_only():
    @with_fallback("instead", exceptions=(NetworkError,))
    def fetch(error):
        raise error

    assert fetch(NetworkError()) == "instead"
    for error in (KeyError(), GreenTimeout()):
        with pytest.raises(type(error)):
            fetch(error)


def test_with_fallback_takes_timers_and_lets_cancellations_pass():
    @with_fallback("instead")
    def fetch(error):
        raise error

    assert fetch(GreenTimeout()) == "instead"
    with pytest.raises(Cancelled):
        fetch(Cancelled())


def test_with_fallback_passes_results_on():
    assert with_fallback("instead")(lambda: "fine")() == "fine"


def test_a_safe_calls_log_line_has_at_most_500_characters_of_the_error(caplog, clock):
    def refuse():
        raise Down("word " * 200)

    safe_api_call(refuse, max_retries=0, clock=clock, aggregator=ErrorAggregator())
    assert len(caplog.records[0].args[-1]) == 500
