"""The public face: everything a service needs to keep answering while what it depends on fails.

    from backend.utils.error_handler import CircuitBreaker, retry_with_backoff, graceful_degradation

A thin list of names; the code and its documentation are in `backend.resilience` and `backend.errors`.
"""

from backend.errors import (
    AuthenticationError,
    BulkheadFullError,
    CircuitBreakerOpenError,
    DashboardError,
    DatabaseError,
    DeadlineExceededError,
    FeatureDisabledError,
    NetworkError,
    PartialDataError,
    ValidationError,
)
from backend.resilience.aggregator import ErrorAggregator, error_aggregator
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.deadline import Deadline, current_deadline, deadline
from backend.resilience.degradation import GracefulDegradation, graceful_degradation
from backend.resilience.error_metrics import ErrorMetrics
from backend.resilience.operation import RetryableOperation
from backend.resilience.responses import DashboardErrorHandler, build_error_response, handle_api_error
from backend.resilience.retry import retry_with_backoff
from backend.resilience.safe_call import safe_api_call, with_fallback
from backend.resilience.timeouts import with_timeout
from backend.resilience.window import CountWindow, TimeWindow

__all__ = [
    "AuthenticationError",
    "BulkheadFullError",
    "CircuitBreaker",
    "CircuitBreakerOpenError",
    "CountWindow",
    "DashboardError",
    "DashboardErrorHandler",
    "DatabaseError",
    "Deadline",
    "DeadlineExceededError",
    "ErrorAggregator",
    "ErrorMetrics",
    "FeatureDisabledError",
    "GracefulDegradation",
    "NetworkError",
    "PartialDataError",
    "RetryableOperation",
    "TimeWindow",
    "ValidationError",
    "build_error_response",
    "current_deadline",
    "deadline",
    "error_aggregator",
    "graceful_degradation",
    "handle_api_error",
    "retry_with_backoff",
    "safe_api_call",
    "with_fallback",
    "with_timeout",
]
