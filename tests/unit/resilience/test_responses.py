"""From errors to what a client is told."""

import logging
import re
import uuid

import pybreaker
import pytest

from backend.errors import (
    AuthenticationError,
    CircuitBreakerOpenError,
    DashboardError,
    DatabaseError,
    DeadlineExceededError,
    NetworkError,
    NotFoundError,
    PartialDataError,
    ValidationError,
)
from backend.resilience import (
    CallRejectedError,
    DashboardErrorHandler,
    ErrorAggregator,
    ErrorMetrics,
    build_error_response,
    error_aggregator,
    handle_api_error,
)
from tests.unit.resilience.green import GreenTimeout


@pytest.fixture
def handler(clock):
    return DashboardErrorHandler(aggregator=ErrorAggregator(clock=clock))


def shown(error, *without):
    body = build_error_response(error, "id")
    return {name: value for name, value in body.items() if name not in ("suggestion", *without)}


def test_a_failed_authentication():
    assert shown(AuthenticationError("no token")) == {
        "error": "Authentication failed",
        "error_code": "AUTH_FAILED",
        "error_id": "id",
        "message": "Please refresh your session and try again",
        "actions": ["refresh_token", "login_again"],
    }


def test_a_database_that_is_away():
    assert shown(DatabaseError("SELECT * FROM secrets failed")) == {
        "error": "Data temporarily unavailable",
        "error_code": "DATABASE_ERROR",
        "error_id": "id",
        "message": "We are experiencing technical difficulties. Please try again in a few moments.",
        "retry_after": 30,
        "fallback_available": True,
    }


def test_invalid_data_with_its_details():
    assert shown(ValidationError("name is missing")) == {
        "error": "Invalid data format",
        "error_code": "VALIDATION_ERROR",
        "error_id": "id",
        "message": "The request contains invalid data",
        "details": "name is missing",
    }
    assert shown(ValidationError(details={"name": ["missing"]}))["details"] == {"name": ["missing"]}


@pytest.mark.parametrize("error", [RuntimeError("password=hunter2"), KeyError("hunter2"), DashboardError("hunter2")])
def test_an_unknown_error_says_nothing_of_itself(error):
    assert shown(error) == {
        "error": "Internal server error",
        "error_code": "INTERNAL_ERROR",
        "error_id": "id",
        "message": "An unexpected error occurred. Our team has been notified.",
        "retry_after": 60,
    }


def test_an_open_circuit_with_what_may_be_shown_instead():
    error = CircuitBreakerOpenError(name="database", fallback_data={"total_experiments": 0})
    assert shown(error, "message") == {
        "error": "Dashboard service temporarily unavailable",
        "error_code": "CIRCUIT_OPEN",
        "error_id": "id",
        "retry_after": 60,
        "fallback_available": True,
        "fallback_data": {"total_experiments": 0},
    }


def test_the_wait_of_a_rejection_is_rounded_up():
    assert build_error_response(CallRejectedError("kev", retry_after=12.2))["retry_after"] == 13
    assert build_error_response(CallRejectedError("kev", "forced_open"))["retry_after"] == 60


def test_partial_data_says_which_parts_are_missing():
    body = build_error_response(PartialDataError(errors={"aggregations": "away"}, fallback_data={"experiments": []}))
    assert body["details"] == {"aggregations": "away"}
    assert body["fallback_data"] == {"experiments": []}


@pytest.mark.parametrize("error", [TimeoutError("x"), GreenTimeout()])
def test_timers_are_timeouts(error):
    assert build_error_response(error)["error_code"] == "TIMEOUT"


def test_pybreakers_own_rejection_is_an_open_circuit():
    assert build_error_response(pybreaker.CircuitBreakerError("x"))["error_code"] == "CIRCUIT_OPEN"


def test_a_sentence_may_be_given_in_place_of_an_error():
    body = build_error_response("The scanner is being updated.")
    assert (body["error_code"], body["message"]) == ("INTERNAL_ERROR", "The scanner is being updated.")


def test_each_body_has_an_id_of_its_own():
    one, other = build_error_response(KeyError()), build_error_response(KeyError())
    assert uuid.UUID(one["error_id"]) != uuid.UUID(other["error_id"])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DatabaseError("SELECT hunter2"), "We are experiencing technical difficulties"),
        (ConnectionError("hunter2"), "A service that this depends on is not answering properly."),
        (GreenTimeout(), "The operation did not finish in the time it was given."),
        (KeyError("hunter2"), "An unexpected error occurred."),
        (NotFoundError("x"), "There is nothing here under that name."),
    ],
)
def test_people_are_told_what_it_means_and_what_they_can_do(error, told):
    text = handle_api_error(error)
    assert text.startswith(told)
    assert "hunter2" not in text
    assert re.fullmatch(r"[A-Z].*\. [A-Z].*\.", text), "whole sentences"


def test_handling_gives_body_and_status(handler):
    body, status = handler.handle_error(NetworkError("refused"), {"endpoint": "/api/threats"})
    assert (status, body["error_code"]) == (502, "UPSTREAM_ERROR")
    assert handler.handle_error(NotFoundError("x"))[1] == 404


def test_handling_logs_once_with_all_that_helps(handler, caplog):
    context = {"endpoint": "/api/chat", "user_id": "anna", "params": {"q": "x", "token": "hunter2"}}
    with caplog.at_level(logging.DEBUG):
        try:
            {}["missing"]
        except KeyError as error:
            body, _ = handler.handle_error(error, context)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert (record.error_id, record.endpoint, record.user_id) == (body["error_id"], "/api/chat", "anna")
    assert record.request_params == {"q": "x", "token": "[redacted]"}
    assert "KeyError: 'missing'" in record.stack_trace
    assert body["error_id"] in record.getMessage()


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (NetworkError(), logging.ERROR),
        (CircuitBreakerOpenError(), logging.WARNING),
        (NotFoundError(), logging.INFO),
    ],
)
def test_the_level_says_whose_fault_it_is(handler, caplog, error, level):
    with caplog.at_level(logging.DEBUG):
        handler.handle_error(error)
    assert [(record.levelno, record.stack_trace) for record in caplog.records] == [(level, None)]


def test_a_long_stack_trace_keeps_its_end(handler, caplog):
    def deep(n):
        return deep(n - 1) if n else 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        deep(50)
    handler.handle_error(caught.value)
    assert len(caplog.records[0].stack_trace) <= 1900
    assert caplog.records[0].stack_trace.endswith("ZeroDivisionError: division by zero\n")


def test_everything_counts_in_the_metrics_and_faults_in_the_aggregator(handler):
    context = {"endpoint": "/api/threats"}
    for error in (KeyError("x"), NetworkError("x"), NotFoundError("x"), CircuitBreakerOpenError()):
        handler.handle_error(error, context)
    assert handler.error_metrics.by_endpoint()["/api/threats"] == {
        "KeyError": 1,
        "NetworkError": 1,
        "NotFoundError": 1,
        "CircuitBreakerOpenError": 1,
    }
    assert handler.aggregator.get_error_stats()["errors_by_type"] == {"KeyError": 1, "NetworkError": 1}
    assert handler.aggregator.get_endpoint_stats() == {"/api/threats": 2}


def test_an_error_that_is_handled_twice_is_counted_once_in_the_aggregator(handler):
    error = NetworkError("x")
    handler.handle_error(error)
    handler.handle_error(error)
    assert handler.aggregator.get_error_stats()["total_errors"] == 1


def test_without_others_it_counts_in_those_of_the_program():
    handler, metrics = DashboardErrorHandler(), ErrorMetrics()
    assert handler.aggregator is error_aggregator
    assert DashboardErrorHandler(metrics=metrics).error_metrics is metrics
    assert DashboardErrorHandler().error_metrics is not handler.error_metrics


def test_a_status_of_499_is_the_clients_and_500_is_ours(handler, caplog):
    class TheirsError(DashboardError):
        status = 499

    with caplog.at_level(logging.DEBUG):
        handler.handle_error(TheirsError())
        handler.handle_error(DashboardError())
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.ERROR]
    assert handler.aggregator.get_error_stats()["errors_by_type"] == {"DashboardError": 1}


def test_as_a_decorator_errors_become_answers(handler):
    @handler.handle_exceptions
    def summary(user):
        """Summarise."""
        if user == "nobody":
            raise DatabaseError("away")
        return {"user": user}

    assert summary("anna") == {"user": "anna"}
    body, status = summary("nobody")
    assert (status, body["error_code"]) == (503, "DATABASE_ERROR")
    assert (summary.__name__, summary.__doc__) == ("summary", "Summarise.")
    assert handler.error_metrics.count("summary", "DatabaseError") == 1


def test_the_decorator_may_be_given_the_endpoint(handler):
    @handler.handle_exceptions(endpoint="/dashboard/summary")
    def summary():
        raise DeadlineExceededError("slow")

    assert summary()[1] == 504
    assert handler.error_metrics.count("/dashboard/summary") == 1


def test_the_decorator_lets_cancellations_pass(handler):
    @handler.handle_exceptions
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
