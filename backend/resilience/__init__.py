"""The resilience kit: breaker, retry, deadline, bulkhead, degradation, error aggregation, and the guard over them.

It can be lifted into another project: it knows only `backend.errors` and `backend.runtime`. See README.md beside it.
"""

from backend.resilience.aggregator import ErrorAggregator, error_aggregator
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.breaker_storage import BreakerRecord, BreakerStorage
from backend.resilience.budget import RetryBudget
from backend.resilience.bulkhead import Bulkhead
from backend.resilience.clock import SYSTEM_CLOCK, Clock, SystemClock
from backend.resilience.deadline import Deadline, current_deadline, deadline
from backend.resilience.degradation import GracefulDegradation, UnknownFeatureError, graceful_degradation
from backend.resilience.error_journal import ErrorJournal
from backend.resilience.error_metrics import ErrorMetrics
from backend.resilience.events import (
    BreakerChanged,
    CallFinished,
    ErrorRecorded,
    FeatureChanged,
    Listeners,
    RetryScheduled,
)
from backend.resilience.fallback import MISSING
from backend.resilience.fingerprint import fingerprint
from backend.resilience.guard import Guard, Guards
from backend.resilience.operation import RetryableOperation
from backend.resilience.policy import Policy
from backend.resilience.redaction import redact, redact_text
from backend.resilience.rejection import CallRejectedError
from backend.resilience.responses import DashboardErrorHandler, build_error_response, handle_api_error
from backend.resilience.retry import PATIENT, QUICK, STANDARD, RetryPolicy, call_with_retry, retry_with_backoff
from backend.resilience.retry_after import parse_retry_after
from backend.resilience.safe_call import safe_api_call, with_fallback
from backend.resilience.timeouts import with_timeout
from backend.resilience.window import Consecutive, CountWindow, TimeWindow, WindowStats

__all__ = [
    "MISSING",
    "PATIENT",
    "QUICK",
    "STANDARD",
    "SYSTEM_CLOCK",
    "BreakerChanged",
    "BreakerRecord",
    "BreakerStorage",
    "Bulkhead",
    "CallFinished",
    "CallRejectedError",
    "CircuitBreaker",
    "Clock",
    "Consecutive",
    "CountWindow",
    "DashboardErrorHandler",
    "Deadline",
    "ErrorAggregator",
    "ErrorJournal",
    "ErrorMetrics",
    "ErrorRecorded",
    "FeatureChanged",
    "GracefulDegradation",
    "Guard",
    "Guards",
    "Listeners",
    "Policy",
    "RetryBudget",
    "RetryPolicy",
    "RetryScheduled",
    "RetryableOperation",
    "SystemClock",
    "TimeWindow",
    "UnknownFeatureError",
    "WindowStats",
    "build_error_response",
    "call_with_retry",
    "current_deadline",
    "deadline",
    "error_aggregator",
    "fingerprint",
    "graceful_degradation",
    "handle_api_error",
    "parse_retry_after",
    "redact",
    "redact_text",
    "retry_with_backoff",
    "safe_api_call",
    "with_fallback",
    "with_timeout",
]
