"""The resilience kit: breaker, retry, deadline, bulkhead, degradation, error aggregation, and the guard over them."""

from backend.resilience.aggregator import ErrorAggregator, error_aggregator
from backend.resilience.breaker import CircuitBreaker
from backend.resilience.clock import SYSTEM_CLOCK, Clock, SystemClock
from backend.resilience.deadline import Deadline, current_deadline, deadline
from backend.resilience.degradation import GracefulDegradation, graceful_degradation
from backend.resilience.events import BreakerChanged, CallFinished, ErrorRecorded, FeatureChanged, Listeners
from backend.resilience.guard import Guard, Guards, Policy
from backend.resilience.retry import retry_with_backoff

__all__ = [
    "SYSTEM_CLOCK",
    "BreakerChanged",
    "CallFinished",
    "CircuitBreaker",
    "Clock",
    "Deadline",
    "ErrorAggregator",
    "ErrorRecorded",
    "FeatureChanged",
    "GracefulDegradation",
    "Guard",
    "Guards",
    "Listeners",
    "Policy",
    "SystemClock",
    "current_deadline",
    "deadline",
    "error_aggregator",
    "graceful_degradation",
    "retry_with_backoff",
]
