"""From errors to what a client is told: the standard body, its status, and the record of it. Knows no web framework."""

from __future__ import annotations

import functools
import logging
import math
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar, overload

import pybreaker

from backend import runtime
from backend.errors import CircuitBreakerOpenError, DashboardError, DeadlineExceededError, NetworkError
from backend.resilience.aggregator import ErrorAggregator, error_aggregator, is_recorded, mark_recorded
from backend.resilience.error_metrics import ErrorMetrics
from backend.resilience.redaction import as_text, described, redact

P = ParamSpec("P")
T = TypeVar("T")
Body = dict[str, Any]

_TRACE_KEPT = 1900
"""Characters of a stack trace that are logged: the end of it, which is where the error is."""


def as_dashboard_error(error: BaseException) -> DashboardError:
    """Return the error of ours that `error` is to the outside; an unknown one becomes an internal error."""
    if isinstance(error, DashboardError):
        return error
    if isinstance(error, pybreaker.CircuitBreakerError):
        return CircuitBreakerOpenError()
    if runtime.is_timeout(error):
        return DeadlineExceededError()
    return DashboardError()


def build_error_response(error: BaseException | str, error_id: str | None = None) -> Body:
    """Return the standard error body.

    Args:
        error: an error; or a sentence that may be shown to people, for an internal error with that message.
        error_id: a new one where not given.

    Returns:
        error, error_code, error_id, message, and where they apply suggestion, details, retry_after (whole seconds,
        rounded up), actions, fallback_available, fallback_data.
    """
    told = DashboardError(message=error) if isinstance(error, str) else as_dashboard_error(error)
    body: Body = {
        "error": told.title,
        "error_code": told.code,
        "error_id": error_id or str(uuid.uuid4()),
        "message": told.message,
        "suggestion": told.suggestion,
    }
    wait = told.retry_after if told.retry_after is not None else told.default_retry_after
    if wait is not None:
        body["retry_after"] = math.ceil(wait)
    if told.details is not None:
        body["details"] = told.details
    if told.actions:
        body["actions"] = list(told.actions)
    if told.fallback_available or told.fallback_data is not None:
        body["fallback_available"] = True
    if told.fallback_data is not None:
        body["fallback_data"] = dict(told.fallback_data)
    return body


def handle_api_error(error: BaseException) -> str:
    """Return what a person is told about `error`: what it means and what they can do. Never the error's own text."""
    told = NetworkError() if isinstance(error, ConnectionError) else as_dashboard_error(error)
    return f"{told.message.rstrip('.')}. {told.suggestion}".strip()


class DashboardErrorHandler:
    """Answers, logs and counts errors.

    Args:
        aggregator: gets what speaks for a fault: not the client's own mistakes, not rejections, and not what a guard
            has recorded already.
        metrics: counts everything, by endpoint and type.
        logger: one line an error, with error_id, user_id, endpoint, request_params and, for a fault, stack_trace.
    """

    def __init__(
        self,
        *,
        aggregator: ErrorAggregator | None = None,
        metrics: ErrorMetrics | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self.aggregator = aggregator if aggregator is not None else error_aggregator
        self.error_metrics = metrics if metrics is not None else ErrorMetrics()
        self.logger = logger or logging.getLogger("jupiter.errors")

    def handle_error(self, error: BaseException, context: Mapping[str, Any] | None = None) -> tuple[Body, int]:
        """Return the standard body and its status, log the error once and count it.

        Args:
            error: what happened.
            context: endpoint, user_id, params and whatever else tells where.
        """
        given = dict(context or {})
        error_id = str(uuid.uuid4())
        told = as_dashboard_error(error)
        endpoint = given.get("endpoint")
        self.error_metrics.increment(endpoint, type(error).__name__)
        self._log(error, told, error_id, given)
        if told.status >= 500 and told.counts_as_failure and not is_recorded(error):
            self.aggregator.record_error(type(error).__name__, as_text(error), {**given, "error_id": error_id})
            mark_recorded(error)
        return build_error_response(told, error_id), told.status

    @overload
    def handle_exceptions(self, func: Callable[P, T]) -> Callable[P, T | tuple[Body, int]]: ...

    @overload
    def handle_exceptions(
        self, *, endpoint: str | None = None
    ) -> Callable[[Callable[P, T]], Callable[P, T | tuple[Body, int]]]: ...

    def handle_exceptions(self, func: Any = None, *, endpoint: str | None = None) -> Any:
        """Decorate a function so that it returns `(body, status)` in place of raising.

        Args:
            func: used as `@handler.handle_exceptions` it is given by Python.
            endpoint: for log and metrics; the function's name where not given.
        """

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            place = endpoint or getattr(view, "__name__", "unknown")

            @functools.wraps(view)
            def answering(*args: Any, **kwargs: Any) -> Any:
                try:
                    return view(*args, **kwargs)
                except Exception as error:  # noqa: BLE001 - the boundary that turns errors into answers
                    return self.handle_error(error, {"endpoint": place, "params": kwargs})

            return answering

        return decorate if func is None else decorate(func)

    def _log(self, error: BaseException, told: DashboardError, error_id: str, context: Mapping[str, Any]) -> None:
        extra = {
            "error_id": error_id,
            "user_id": context.get("user_id"),
            "endpoint": context.get("endpoint"),
            "request_params": redact(context.get("params")),
            "stack_trace": _trace(error) if told.status == 500 else None,
        }
        self.logger.log(_level(told), "%s [%s]: %s", told.title, error_id, described(error), extra=extra)


def _level(told: DashboardError) -> int:
    if told.status >= 500:
        return logging.ERROR if told.counts_as_failure else logging.WARNING
    return logging.INFO


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-_TRACE_KEPT:]
