"""The golden list of what the kit exports: a name that comes or goes is a decision, not an accident."""

import inspect

from backend import resilience

PUBLIC = """
    BreakerChanged BreakerRecord BreakerStorage Bulkhead CallFinished CallRejectedError CircuitBreaker
    Clock Consecutive CountWindow DashboardErrorHandler Deadline ErrorAggregator ErrorJournal ErrorMetrics
    ErrorRecorded FeatureChanged GracefulDegradation Guard Guards Listeners MISSING PATIENT Policy QUICK
    RetryBudget RetryPolicy RetryScheduled RetryableOperation STANDARD SYSTEM_CLOCK SystemClock
    TimeWindow UnknownFeatureError WindowStats build_error_response call_with_retry current_deadline
    deadline error_aggregator fingerprint graceful_degradation handle_api_error parse_retry_after redact
    redact_text retry_with_backoff safe_api_call with_fallback with_timeout
"""

SIGNATURES = {
    "CircuitBreaker": "(failure_threshold=5, timeout=60, *, name='', feature='', window=None, record=None, ignore=(), "
    "expected=(), permits=1, probe_seconds=30.0, growth=1.0, max_timeout=None, jitter=0.0, clock=…, random=…, "
    "listeners=None, storage=None)",
    "retry_with_backoff": "(max_attempts=3, initial_delay=1.0, backoff_factor=2.0, max_delay=60.0, exceptions=…, *, "
    "jitter='none', budget=None, clock=…, random=…)",
    "RetryableOperation": "(max_retries=3, base_delay=1.0, max_delay=30.0, *, circuit_breaker=None, exceptions=…, "
    "jitter='none', clock=…, random=…)",
    "safe_api_call": "(func, fallback=None, max_retries=3, log_name='API call', *, initial_delay=1.0, max_delay=30.0, "
    "clock=…, random=…, aggregator=…)",
    "ErrorAggregator": "(window_minutes=60, *, max_records=500, max_groups=500, clock=…, listeners=None, shared=None)",
    "Policy": "(failure_threshold=5, open_seconds=60.0, timeout=10.0, attempts=2, base_delay=0.5, backoff_factor=2.0, "
    "max_delay=30.0, max_concurrent=16, jitter='full', retry_ratio=0.2, retry_minimum=3, window=None, "
    "open_growth=1.0, max_open_seconds=None, open_jitter=0.0, cooperative=False)",
    "Guards": "(*, clock=…, aggregator=None, degradation=None, listeners=None, random=…, storage=None, budget=None)",
    "Consecutive": "(threshold=5)",
    "CountWindow": "(size=100, failure_rate=0.5, *, slow_rate=1.0, slow_seconds=None, minimum_calls=10)",
    "TimeWindow": "(seconds=60.0, failure_rate=0.5, *, slow_rate=1.0, slow_seconds=None, minimum_calls=10, "
    "buckets=60, clock=…)",
    "RetryBudget": "(ratio=0.2, minimum=3, window_seconds=60.0, *, buckets=10, clock=…)",
    "RetryPolicy": "(max_attempts=3, initial_delay=1.0, backoff_factor=2.0, max_delay=60.0, exceptions=…, "
    "jitter='none')",
    "GracefulDegradation": "(*, failure_threshold=5, recovery_seconds=60.0, history=200, clock=…, listeners=None)",
    "ErrorJournal": "(path, max_bytes=1000000)",
    "ErrorMetrics": "(most=1000)",
    "with_fallback": "(fallback=None, exceptions=…)",
    "with_timeout": "(seconds)",
}


def shown(callable_):
    """The signature without annotations, and without defaults that have no short text."""
    parts, star = [], False
    for parameter in inspect.signature(callable_).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            star = True
            parts.append("*")
        default = parameter.default
        plain = default is None or default == () or isinstance(default, int | float | str)
        text = repr(default) if plain else "…"
        parts.append(parameter.name if default is parameter.empty else f"{parameter.name}={text}")
    return f"({', '.join(parts)})"


def test_the_kit_exports_exactly_these_names():
    assert sorted(resilience.__all__) == sorted(PUBLIC.split())
    assert all(hasattr(resilience, name) for name in PUBLIC.split())


def test_arguments_and_defaults_are_the_documented_ones():
    assert {name: shown(getattr(resilience, name)) for name in SIGNATURES} == SIGNATURES


def test_every_exported_class_and_function_says_what_it_is_for():
    for name in PUBLIC.split():
        thing = getattr(resilience, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
