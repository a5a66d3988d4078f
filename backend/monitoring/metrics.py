"""Counters and gauges in Prometheus' form (https://prometheus.io/docs/instrumenting/exposition_formats)."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from backend.resilience.events import BreakerChanged, CallFinished

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Everything that is counted in this process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.of_all: Callable[[bytes], bytes] | None = None
        self._calls = Counter(
            "jupiter_guard_calls", "Guarded calls by outcome", ["dependency", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "jupiter_guard_seconds", "Duration of guarded calls", ["dependency"], registry=self.registry
        )
        self._transitions = Counter(
            "jupiter_breaker_transitions", "Breaker transitions", ["dependency", "state"], registry=self.registry
        )
        self._requests = Counter(
            "jupiter_http_requests", "Answered requests", ["endpoint", "status"], registry=self.registry
        )
        self._answered: dict[tuple[str, int], Counter] = {}  # looking labels up costs more than counting
        self._lag = Gauge(
            "jupiter_loop_lag_seconds", "How late the event loop was at its last look", registry=self.registry
        )

    def saw(self, event: object) -> None:
        """Count an event of the kit; give this to `Listeners.subscribe`."""
        if isinstance(event, CallFinished):
            self._calls.labels(event.name, event.outcome).inc()
            self._seconds.labels(event.name).observe(event.seconds)
        elif isinstance(event, BreakerChanged):
            self._transitions.labels(event.name, event.new).inc()

    def answered(self, endpoint: str, status: int) -> None:
        """Count an answered request."""
        counter = self._answered.get((endpoint, status))
        if counter is None:
            counter = self._answered[endpoint, status] = self._requests.labels(endpoint, str(status))
        counter.inc()

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop was."""
        self._lag.set(seconds)

    def gauge(self, name: str, documentation: str, read: Callable[[], float]) -> None:
        """Show `read()` under `name` whenever the metrics are asked for."""

        class _Read(Collector):
            def collect(self) -> list[GaugeMetricFamily]:
                return [GaugeMetricFamily(name, documentation, value=read())]

        self.registry.register(_Read())

    def exposition(self) -> bytes:
        """Return everything in Prometheus' text form; that of all workers, where there are several."""
        own = self.own_exposition()
        return own if self.of_all is None else self.of_all(own)

    def own_exposition(self) -> bytes:
        """Return what was counted in this process."""
        return generate_latest(self.registry)
