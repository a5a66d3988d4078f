"""The permits to probe that this worker holds, and what it knows of those the others hold."""

from __future__ import annotations

from backend.resilience.clock import Clock


class Permits:
    """Permits by their fencing token. Not locked: its owner is."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._ends: dict[int, float] = {}
        self._others_until = 0.0
        self._seconds = 0.0
        self._renewed_at = 0.0
        self._renewal_wanted = False

    def granted(self, fence: int, seconds: float) -> None:
        """Note a permit that we got for `seconds`."""
        now = self._monotonic()
        self._ends[fence] = now + seconds
        self._seconds, self._renewed_at = seconds, now

    def fences(self) -> list[int]:
        """Return the tokens of those we hold."""
        now = self._monotonic()
        self._ends = {fence: ends for fence, ends in self._ends.items() if ends > now}
        return list(self._ends)

    def give_back(self) -> int | None:
        """Hold one less and return its token; None where we hold none."""
        fences = self.fences()
        if fences:
            del self._ends[fences[-1]]
        return fences[-1] if fences else None

    def replace(self, fence: int, other: int) -> None:
        """The server, which had forgotten it, has given a permit of ours a new token."""
        if fence in self._ends:
            self._ends[other] = self._ends.pop(fence)

    def clear(self) -> None:
        """Forget all: the state that they were for is over."""
        self.drop()
        self._others_until = 0.0

    def drop(self) -> None:
        """Hold none any more."""
        self._ends.clear()

    def want_renewal(self) -> bool:
        """A probe lives; tell whether it is time to tell the server, which is three times in a lease."""
        if not self._ends or self._monotonic() < self._renewed_at + self._seconds / 3:
            return False
        self._renewal_wanted, self._renewed_at = True, self._monotonic()
        return True

    def renewals(self, poll: bool) -> dict[int, int]:
        """Return token -> milliseconds for which it is held on from now.

        Args:
            poll: also where nothing is new, for a server that may have forgotten them.
        """
        if self._renewal_wanted:
            self._renewal_wanted = False
            self._ends = dict.fromkeys(self.fences(), self._monotonic() + self._seconds)
        elif not poll:
            return {}
        now = self._monotonic()
        return {fence: round(1000 * (self._ends[fence] - now)) for fence in self.fences()}

    def others_hold(self, seconds: float) -> None:
        """Others hold every permit for so many seconds."""
        self._others_until = self._monotonic() + seconds

    def others_for(self) -> float:
        """Return the seconds for which others hold every permit, as far as we know."""
        return max(0.0, self._others_until - self._monotonic())
