"""How calls to one dependency are guarded."""

from __future__ import annotations

from dataclasses import dataclass

from backend.resilience.jitter import Jitter
from backend.resilience.retry import RetryPolicy
from backend.resilience.window import Window


@dataclass(frozen=True)
class Policy:
    """Limits for the calls to one dependency; times in seconds.

    Args:
        failure_threshold: failures in a row that open its breaker.
        open_seconds: until a probe.
        timeout: of one attempt; for streams, of each item.
        attempts: in all, the first one included.
        base_delay: before the second attempt.
        backoff_factor: by which each wait is longer than the one before.
        max_delay: the longest wait; where the other side asks for more, there is no further attempt.
        max_concurrent: calls at once.
        jitter: how waits are spread: none, full, equal or decorrelated.
        retry_ratio: retries per call that are allowed over a minute.
        retry_minimum: retries per minute that are allowed whatever the calls.
        window: what the breaker counts in, in place of failures in a row.
        open_growth: factor by which each further break is longer until the circuit has been closed.
        max_open_seconds: longest break; None for no cap.
        open_jitter: share of the break that is added at random.
        cooperative: the calls end in time by themselves, because what they wait for has timeouts of its own, such as
            `current_deadline().remaining()`. In threading mode they are then made in the caller's thread, which costs a
            fraction; nobody else keeps the time there. On eventlet and gevent they are interrupted all the same.
    """

    failure_threshold: int = 5
    open_seconds: float = 60.0
    timeout: float = 10.0
    attempts: int = 2
    base_delay: float = 0.5
    backoff_factor: float = 2.0
    max_delay: float = 30.0
    max_concurrent: int = 16
    jitter: Jitter = "full"
    retry_ratio: float = 0.2
    retry_minimum: int = 3
    window: Window | None = None
    open_growth: float = 1.0
    max_open_seconds: float | None = None
    open_jitter: float = 0.0
    cooperative: bool = False

    @property
    def retry(self) -> RetryPolicy:
        """Return the part of it that is about retries."""
        return RetryPolicy(self.attempts, self.base_delay, self.backoff_factor, self.max_delay, jitter=self.jitter)
