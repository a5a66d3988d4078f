"""A numbered log of what was pushed, so that a client that was away gets what it missed, in order and once.

python-socketio keeps nothing for a client that reconnects. Numbers begin at the process's start time in
milliseconds, so that after a restart they are above all that any client has seen and a gap is told as a gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.resilience.clock import SYSTEM_CLOCK, Clock

DEFAULT_KEPT = 16


@dataclass(frozen=True)
class Pushed:
    """One pushed event; `payload` carries stream, seq and at."""

    seq: int
    event: str
    payload: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it as `sync` answers it."""
        return {"event": self.event, "payload": self.payload}


@dataclass
class _Stream:
    kept: deque[Pushed]
    last: int
    first_possible: int = field(init=False)

    def __post_init__(self) -> None:
        self.first_possible = self.last


class Replay:
    """Numbers events by stream and keeps the newest of each.

    Args:
        kept: stream name -> how many events to keep; `DEFAULT_KEPT` for one that is not named.
        most_streams: how many streams (a user's own count one each) are kept; the longest unused goes first.
    """

    def __init__(
        self, kept: Mapping[str, int] | None = None, *, most_streams: int = 2000, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._kept = dict(kept or {})
        self._most = most_streams
        self._clock = clock
        self._above_dropped = int(clock.now().timestamp() * 1000)
        self._streams: dict[tuple[str, str], _Stream] = {}

    def add(self, stream: str, event: str, payload: Mapping[str, Any], *, user: str = "") -> Pushed:
        """Number an event and keep it.

        Args:
            stream: the name clients know it by.
            user: whose stream it is; empty for everybody's.
        """
        state = self._state(stream, user)
        state.last += 1
        stamped = {
            **payload,
            "stream": stream,
            "seq": state.last,
            "at": self._clock.now().isoformat(),
        }
        pushed = Pushed(state.last, event, stamped)
        state.kept.append(pushed)
        return pushed

    def since(self, stream: str, seq: int, *, user: str = "") -> list[Pushed] | None:
        """Return the events after `seq` in order, or None where some of them are no longer kept."""
        state = self._state(stream, user)
        if seq == state.last:
            return []
        oldest = state.kept[0].seq if state.kept else state.last + 1
        if seq < max(state.first_possible, oldest - 1) or seq > state.last:
            return None
        return [pushed for pushed in state.kept if pushed.seq > seq]

    def last_seq(self, stream: str, *, user: str = "") -> int:
        """Return the number of the newest event of a stream."""
        return self._state(stream, user).last

    def _state(self, stream: str, user: str) -> _Stream:
        key = (stream, user)
        state = self._streams.pop(key, None)
        if state is None:
            start = max(self._above_dropped, int(self._clock.now().timestamp() * 1000))
            state = _Stream(deque(maxlen=self._kept.get(stream, DEFAULT_KEPT)), start)
        self._streams[key] = state  # newest last
        if len(self._streams) > self._most:
            dropped = self._streams.pop(next(iter(self._streams)))
            # a stream that is dropped and made again must not reuse numbers
            self._above_dropped = max(self._above_dropped, dropped.last + 1)
        return state
