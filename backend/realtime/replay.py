"""A numbered log of what was pushed, so that a client that was away gets what it missed, in order and once.

python-socketio keeps nothing for a client that reconnects. Numbers begin at the process's start time in
milliseconds, so that after a restart they are above all that any client has seen and a gap is told as a gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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


class EventsLog(Protocol):
    """Numbers and keeps events: of this process alone (`Replay`), or of all workers (`SharedReplay`)."""

    def add(
        self,
        stream: str,
        event: str,
        payload: Mapping[str, Any],
        *,
        user: str = "",
        digest: str = "",
        within: float = 0,
    ) -> Pushed | None:
        """Number an event and keep it.

        Args:
            stream: the name clients know it by.
            user: whose stream it is; empty for everybody's.
            digest: several workers may see the same; what has the digest of the stream's newest event is no news.
            within: seconds for which that holds; 0 for ever.

        Returns:
            What is to be delivered here and now; None where that is seen to otherwise.
        """

    def since(self, stream: str, seq: int, *, user: str = "") -> list[Pushed] | None:
        """Return the events after `seq` in order, or None where some of them are no longer kept."""

    def last_seq(self, stream: str, *, user: str = "") -> int:
        """Return the number of the newest event of a stream."""


@dataclass
class _Stream:
    most: int
    last: int
    kept: deque[Pushed] = field(default_factory=deque)
    floor: int = field(init=False)  # the number before the oldest event that is kept

    def __post_init__(self) -> None:
        self.floor = self.last

    def append(self, pushed: Pushed) -> None:
        self.kept.append(pushed)
        self.last = pushed.seq
        if len(self.kept) > self.most:
            self.floor = self.kept.popleft().seq

    def begin_at(self, seq: int) -> None:
        self.kept.clear()
        self.floor = self.last = seq


class Replay:
    """Numbers events by stream and keeps the newest of each.

    Args:
        kept: stream name -> how many events to keep; `DEFAULT_KEPT` for one that is not named.
        most_streams: how many streams (a user's own count one each) are kept; the longest unused goes first.
        first: returns the number that a new stream begins above; the time in milliseconds where it is not given.
    """

    def __init__(
        self,
        kept: Mapping[str, int] | None = None,
        *,
        most_streams: int = 2000,
        clock: Clock = SYSTEM_CLOCK,
        first: Callable[[], int] | None = None,
    ) -> None:
        self._kept = dict(kept or {})
        self._most = most_streams
        self._clock = clock
        self._first = first or (lambda: int(clock.now().timestamp() * 1000))
        self._above_dropped = self._first()
        self._streams: dict[tuple[str, str], _Stream] = {}

    def add(
        self,
        stream: str,
        event: str,
        payload: Mapping[str, Any],
        *,
        user: str = "",
        digest: str = "",
        within: float = 0,
        above: int = 0,
    ) -> Pushed:
        """Number an event and keep it; see `EventsLog`. Here everything is news.

        Args:
            above: its number is above this one.
        """
        state = self._state(stream, user)
        pushed = stamped(max(state.last, above) + 1, stream, event, payload, self._clock.now().isoformat())
        state.append(pushed)
        return pushed

    def put(self, stream: str, pushed: Pushed, before: int, *, user: str = "") -> None:
        """Keep an event that somebody else has numbered; what is kept is given up where it does not follow that."""
        state = self._state(stream, user)
        if state.last != before:
            state.begin_at(before)
        state.append(pushed)

    def since(self, stream: str, seq: int, *, user: str = "") -> list[Pushed] | None:
        """Return the events after `seq` in order, or None where it is neither kept nor just before what is."""
        state = self._state(stream, user)
        if seq == state.last:
            return []
        if seq == state.floor or any(pushed.seq == seq for pushed in state.kept):
            return [pushed for pushed in state.kept if pushed.seq > seq]
        return None

    def last_seq(self, stream: str, *, user: str = "") -> int:
        """Return the number of the newest event of a stream."""
        return self._state(stream, user).last

    def position(self, stream: str, *, user: str = "") -> int | None:
        """Return the number of the newest event of a stream that is known here, None for another."""
        state = self._streams.get((stream, user))
        return None if state is None else state.last

    def begin(self, stream: str, seq: int, *, user: str = "") -> None:
        """Know a stream from that number on."""
        self._state(stream, user).begin_at(seq)

    def streams(self) -> list[tuple[str, str]]:
        """Return stream and user of all that is kept."""
        return list(self._streams)

    def _state(self, stream: str, user: str) -> _Stream:
        key = (stream, user)
        state = self._streams.pop(key, None)
        if state is None:
            state = _Stream(self._kept.get(stream, DEFAULT_KEPT), max(self._above_dropped, self._first()))
        self._streams[key] = state  # newest last
        if len(self._streams) > self._most:
            dropped = self._streams.pop(next(iter(self._streams)))
            # a stream that is dropped and made again must not reuse numbers
            self._above_dropped = max(self._above_dropped, dropped.last + 1)
        return state


def stamped(seq: int, stream: str, event: str, payload: Mapping[str, Any], at: str) -> Pushed:
    """Return an event whose payload says which it is."""
    return Pushed(seq, event, {**payload, "stream": stream, "seq": seq, "at": at})
