"""What is in force where nothing is said: defaults that the golden list of the public face does not hold."""

import inspect
from datetime import UTC, datetime

import pytest

from backend.resilience import (
    PATIENT,
    QUICK,
    STANDARD,
    BreakerRecord,
    CallFinished,
    ErrorAggregator,
    ErrorRecorded,
    RetryPolicy,
    advisor,
    redaction,
    responses,
)
from backend.resilience.bulkhead import Bulkhead
from backend.resilience.error_counts import ErrorCounts
from backend.resilience.error_groups import ErrorGroups
from backend.resilience.feature import Feature, Override
from backend.resilience.replay import Verdict
from backend.resilience.testing import FakeClock


def defaults(func):
    """Name -> default of the parameters that have one."""
    parameters = inspect.signature(func).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


@pytest.mark.parametrize(
    ("func", "wanted"),
    [
        (ErrorAggregator.get_error_stats, {"window_minutes": None}),
        (ErrorAggregator.get_recent_errors, {"limit": 10}),
        (ErrorAggregator.get_groups, {"limit": 20}),
        (ErrorAggregator.get_series, {"window_minutes": None, "buckets": 60}),
        (ErrorCounts, {"exact": 50_000, "names": 100}),
        (ErrorGroups, {"most": 500}),
        (Bulkhead, {"name": ""}),
        (advisor.advise, {"candidates": advisor.DEFAULT_CANDIDATES, "good_weight": 1.0, "bad_weight": 1.0}),
        (Verdict.cost, {"good_weight": 1.0, "bad_weight": 1.0}),
        (redaction.redact_text, {"limit": 2000}),
        (redaction.redact, {"depth": 4}),
    ],
)
def test_of_functions(func, wanted):
    assert defaults(func) == wanted


def test_of_values():
    assert (redaction.MAX_TEXT, redaction.MAX_ITEMS, redaction.MAX_DEPTH) == (2000, 50, 4)
    assert BreakerRecord() == BreakerRecord("closed", 0, None, 0.0, 0, 0, "", None, None, False)
    assert CallFinished("a", "b", "success", 1.0) == ("a", "b", "success", 1.0, None, False)
    assert ErrorRecorded("a", "b", datetime(2026, 1, 1, tzinfo=UTC)).context == {}
    assert Verdict("x") == Verdict("x", 0, 0, 0, 0, 0, 0.0, 0.0)


def test_of_the_retry_presets():
    assert RetryPolicy(3, 0.5, 1.5, 60.0, (Exception,), "none") == QUICK
    assert RetryPolicy(3, 1.0, 2.0, 60.0, (Exception,), "none") == STANDARD
    assert RetryPolicy(5, 2.0, 2.0, 30.0, (Exception,), "none") == PATIENT


def test_of_the_fake_clock():
    clock = FakeClock()
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 1, 1, tzinfo=UTC), 0)


def test_of_a_feature():
    assert Feature("chat").enabled
    assert Feature("chat").why_off is None
    kept_on = Feature("chat", healthy=False, reason="failing", override=Override(True, "kept on", "ann"))
    assert kept_on.why_off is None
    assert Feature("chat", healthy=False, reason="failing").why_off == "failing"


def test_a_stack_trace_keeps_so_many_characters(caplog):
    try:
        raise RuntimeError("x" * 3000)
    except RuntimeError as error:
        responses.DashboardErrorHandler(aggregator=ErrorAggregator()).handle_error(error)
    assert len(caplog.records[0].stack_trace) == 1900
