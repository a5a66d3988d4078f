"""What time it is at the server, by our own steady clock: no instant that the fleet shares comes from a worker."""

from __future__ import annotations

_FRESH = 60.0
_JUMP = 1000.0


class ServerTime:
    """Estimates the server's clock from replies. The best sample of a minute counts: the one that travelled least."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._error = 0.0
        self._taken = 0.0

    def sample(self, server_ms: float, sent: float, received: float) -> None:
        """Take in the time that a reply carries; `sent` and `received` are monotonic seconds."""
        error = (received - sent) * 500
        offset = server_ms - (sent + received) * 500
        old = self._offset is None or received - self._taken > _FRESH
        if old or error <= self._error or abs(offset - (self._offset or 0.0)) > error + self._error + _JUMP:
            self._offset, self._error, self._taken = offset, error, received

    def ms(self, monotonic: float) -> float | None:
        """Return the server's time at a monotonic time, None before the first sample."""
        return None if self._offset is None else monotonic * 1000 + self._offset
