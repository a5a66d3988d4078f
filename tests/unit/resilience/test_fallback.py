"""What is given in place of a result."""

import pytest

from backend.errors import (
    BulkheadFullError,
    CircuitBreakerOpenError,
    DatabaseError,
    NotConfiguredError,
    NotFoundError,
    ValidationError,
)
from backend.resilience.fallback import MISSING, calls_for_fallback, resolve, resolve_chain
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


def test_the_mark_of_what_was_not_given_reads_as_such():
    assert repr(MISSING) == "MISSING"
    assert not MISSING
