"""What is given in place of a result."""

import time

import pytest

from backend import runtime
from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DashboardError,
    DatabaseError,
    NotConfiguredError,
    NotFoundError,
    ValidationError,
)
from backend.resilience.fallback import MISSING, calls_for_fallback, resolve, resolve_chain
from tests.unit.resilience.calls import raising
from tests.unit.resilience.green import Cancelled, GreenTimeout


def test_a_value_stands_for_itself_and_a_function_is_called():
    assert resolve("value") == "value"
    assert resolve(None) is None
    assert resolve(lambda: "made") == "made"
    assert resolve(lambda one, two=0: one + two, (1,), {"two": 2}) == 3
    assert resolve(lambda: "no arguments", (1,), {"two": 2}) == "no arguments"
    assert resolve(dict, (), {"one": 1}) == {"one": 1}


def test_of_a_chain_the_first_that_does_not_fail(caplog):
    def broken():
        raise KeyError

    assert resolve_chain([broken, lambda: "second", "third"]) == "second"
    assert "fallback 1 of 3 failed" in caplog.text
    with pytest.raises(KeyError):
        resolve_chain([broken, broken])
    with pytest.raises(LookupError):
        resolve_chain([])


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (DatabaseError(), True),
        (CircuitBreakerOpenError(), True),
        (BulkheadFullError(), True),
        (NotConfiguredError(), True),
        (DashboardError(), True),
        (KeyError(), True),
        (GreenTimeout(), True),
        (NotFoundError(), False),
        (ValidationError(), False),
        (Cancelled(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_a_fallback_stands_in_for_failures_not_for_the_callers_own_fault(error, wanted):
    assert calls_for_fallback(error) is wanted


def test_a_timer_that_a_caller_has_set_stops_us_too():
    if runtime.mode() == "threading":
        pytest.skip("threads cannot be interrupted")
    seen = []

    def wait():
        try:
            time.sleep(5)
        except BaseException as error:
            seen.append(calls_for_fallback(error))
            raise

    with pytest.raises(TimeoutError):
        runtime.call_with_timeout(0.01, wait)
    assert seen == [False]


def test_arguments_that_a_fallback_takes_reach_it_through_a_chain():
    assert resolve_chain([lambda x, *, y: (x, y)], (1,), {"y": 2}) == (1, 2)


def test_a_builtin_without_a_signature_is_given_the_arguments():
    assert resolve(max, (1, 2)) == 2


def test_the_mark_of_what_was_not_given_reads_as_such():
    assert repr(MISSING) == "MISSING"
    assert not MISSING


def test_of_ours_500_is_the_first_status_that_is_a_fault():
    class Odd(DashboardError):
        """A status of its own."""

    Odd.status = 499
    assert not calls_for_fallback(Odd())
    Odd.status = 500
    assert calls_for_fallback(Odd())


def test_a_fallback_that_runs_into_its_own_timer_is_followed_by_the_next():
    assert resolve_chain([raising(GreenTimeout()), "next"]) == "next"
    with pytest.raises(Cancelled):
        resolve_chain([raising(Cancelled()), "next"])
