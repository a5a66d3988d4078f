"""How often the workers of a fleet talk, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds.

    Args:
        flush: counts are sent at most this often; a change of state is sent at once.
        poll: everything is asked for this often, for messages that were lost and for what was evicted.
        settle: failures of several workers must stand for so long before they open a circuit together: time for all
            to hear of them and to tell of successes.
        timeout: for one exchange with Redis.
        retry: while Redis is away, it is tried again this often.
        quiet: at most one line in the log in this time.
        horizon: failures in a row of a worker that says no more are forgotten after this time.
        keep: what nobody uses is forgotten after this time.
        silence: a subscription on which nothing arrives, not even an answer to a ping, for so long is made anew.
    """

    flush: float = 0.05
    poll: float = 1.0
    settle: float = 0.15
    timeout: float = 0.5
    retry: float = 1.0
    quiet: float = 30.0
    horizon: float = 600.0
    keep: float = 7 * 86400.0
    silence: float = 5.0
