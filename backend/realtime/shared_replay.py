"""The log of events of all workers: numbered in Redis, heard by every worker, delivered by each to its own sockets.

While Redis is away each worker numbers by itself, far above what was numbered before and where no other worker does, so
that a number never means two events; a client that changes the worker then is told of a gap. When the line opens again
the chat and notices said meanwhile are handed in, numbers are lifted above those given, and what others said is caught
up with; until that is done for a stream, the worker stays alone with it.
"""

from __future__ import annotations

import random
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from backend.bus.event_log import Entry, EventLog, entry_of
from backend.bus.wire import AwayError, Wire
from backend.realtime.replay import Pushed, Replay, stamped
from backend.resilience.clock import SYSTEM_CLOCK, Clock

_MOST_REMEMBERED = 4096
_MOST_ALONE = 1024
_SECOND = 1_000_000  # numbers are microseconds


class Audience(Protocol):
    """Those who are connected to this worker."""

    def has(self, user: str) -> bool:
        """Tell whether anybody is (of this person, if it is not empty)."""

    def deliver(self, stream: str, pushed: Pushed, *, user: str) -> None:
        """Send them an event."""

    def send_away(self, user: str) -> None:
        """Close their sockets: they come back and ask for what they have missed."""


class _SaidAlone(NamedTuple):
    """An event that this worker has numbered by itself."""

    id: str
    before: int
    pushed: Pushed
    digest: str
    within: float


class SharedReplay:
    """An `EventsLog` over all workers.

    Args:
        wire: the line to them.
        log: what is kept behind it.
        audience: those of this worker.
        gauges: streams of which only the newest event matters.
        everybodys: streams that are not a person's own.
        kept: as for `Replay`, for the time without Redis.
        random: in [0, 1).
    """

    def __init__(
        self,
        wire: Wire,
        log: EventLog,
        audience: Audience,
        *,
        gauges: frozenset[str],
        everybodys: Sequence[str] = (),
        kept: Mapping[str, int],
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._wire = wire
        self._log = log
        self._audience = audience
        self._gauges = gauges
        self._everybodys = tuple(everybodys)
        self._clock = clock
        self._random = random
        self._own = Replay(kept, clock=clock, first=self._fresh_number)
        self._alone: dict[tuple[str, str], deque[_SaidAlone]] = {}
        self._delivered: OrderedDict[str, None] = OrderedDict()
        self._opening = False
        wire.on("push", self.heard)
        wire.on_up(self.rejoin, first=True)  # what follows from other things learnt then comes after what was said

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
        """Number an event and send it to all workers; see `EventsLog`."""
        identity, at = uuid.uuid4().hex, self._clock.now().isoformat()
        more: Any = {"user": user, "id": identity, "digest": digest, "within": within}
        try:
            self._say_what_comes_first(stream, user)
            floor = self._own.position(stream, user=user) or 0  # Redis may remember less than we do
            self._log.append(stream, event, _json(payload), at=at, floor=floor, **more)
        except AwayError:
            return self._add_alone(stream, event, payload, **more)
        return None  # it comes back to us, as to the others

    def since(self, stream: str, seq: int, *, user: str = "") -> list[Pushed] | None:
        """Return what came after `seq`; see `EventsLog`."""
        if (stream, user) in self._alone:
            return self._own.since(stream, seq, user=user)
        try:
            entries = self._log.since(stream, seq, user=user)
        except AwayError:
            return self._own.since(stream, seq, user=user)
        if entries is not None and self._own.position(stream, user=user) is None:
            self._own.begin(stream, entries[-1].seq if entries else seq, user=user)
        return None if entries is None else [_pushed(entry) for entry in entries]

    def last_seq(self, stream: str, *, user: str = "") -> int:
        """Return the number of the newest event of a stream."""
        if (stream, user) in self._alone:
            return self._own.last_seq(stream, user=user)
        try:
            last = self._log.last(stream, user=user)
        except AwayError:
            return self._own.last_seq(stream, user=user)
        if self._own.position(stream, user=user) is None:
            self._own.begin(stream, last, user=user)
        return last

    def heard(self, message: Mapping[str, Any]) -> None:
        """Deliver an event that some worker has published."""
        self._take(entry_of(message))

    def rejoin(self) -> None:
        """Tell what was said alone and catch up with what the others said; whenever the line opens."""
        self._opening = True
        try:
            for stream in self._everybodys:
                if self._own.position(stream) is None:
                    self.last_seq(stream)  # from now on we know what we miss of it
            for stream, user in dict.fromkeys([*self._alone, *self._own.streams()]):
                if (stream, user) in self._alone or self._audience.has(user):
                    self._rejoin(stream, user)
        except AwayError:
            return
        finally:
            self._opening = False

    def _say_what_comes_first(self, stream: str, user: str) -> None:
        """What was said alone goes before, also where the line is just being opened; raises AwayError until it has."""
        if (stream, user) not in self._alone:
            return
        if self._opening:
            raise AwayError("what was said alone has not been told yet")
        self._rejoin(stream, user)  # the line was open again before we knew that we were alone

    def _add_alone(
        self,
        stream: str,
        event: str,
        payload: Mapping[str, Any],
        *,
        user: str,
        id: str,
        digest: str,
        within: float,
    ) -> Pushed:
        before = self._own.position(stream, user=user) or 0
        above = 0 if (stream, user) in self._alone else self._fresh_number(before)
        # of a gauge nothing is handed in, and its payloads are large
        said = self._alone.setdefault((stream, user), deque(maxlen=1 if stream in self._gauges else _MOST_ALONE))
        pushed = self._own.add(stream, event, payload, user=user, above=above)
        said.append(_SaidAlone(id, before, pushed, digest, within))
        self._remember(id)  # Redis may have taken it in all the same, and tells us later
        return pushed

    def _take(self, entry: Entry) -> None:
        known = self._own.position(entry.stream, user=entry.user)
        if not self._audience.has(entry.user) or (known is not None and entry.seq <= known):
            return
        pushed = _pushed(entry)
        self._own.put(entry.stream, pushed, entry.before, user=entry.user)
        if entry.id not in self._delivered:
            self._audience.deliver(entry.stream, pushed, user=entry.user)

    def _rejoin(self, stream: str, user: str) -> None:
        """Each question takes a moment, in which more may be said: it is said alone until all of it is handed in."""
        known = last = -1
        while self._has_more_to_say(stream, user, last):
            self._hand_all_in(stream, user)
            last = self._own.last_seq(stream, user=user)
            known = self._log.lift(stream, last, user=user)
        self._alone.pop((stream, user), None)
        if known > last:
            self._catch_up(stream, user, last, known)

    def _has_more_to_say(self, stream: str, user: str, last: int) -> bool:
        waits = stream not in self._gauges and bool(self._alone.get((stream, user)))
        return waits or self._own.last_seq(stream, user=user) != last

    def _hand_all_in(self, stream: str, user: str) -> None:
        said = self._alone.get((stream, user))
        if not said or stream in self._gauges:
            return
        above = 0
        if said[0].before:  # where the log is lost, it begins again at the place that all have reached
            known = self._log.lift(stream, said[0].before, user=user)
            if user and known > said[0].before and self._others_said(stream, user, said[0].before):
                above = self._fresh_number(self._own.last_seq(stream, user=user))
        while said:
            first = said[0]
            self._hand_in(stream, user, first, above or first.pushed.seq - 1)
            if said and said[0] is first:  # it may have made room for what was said meanwhile
                said.popleft()
        if above:  # also where the log has had all of it already
            self._log.lift(stream, above, user=user)

    def _others_said(self, stream: str, user: str, since: int) -> bool:
        """Whether this person's tabs here lack something that comes before what was said alone.

        Then that is handed in far above all numbers that they have seen, so that none of those is a known place, and
        they are told of a gap.
        """
        entries = self._log.since(stream, since, user=user)
        return entries is None or any(entry.id not in self._delivered for entry in entries)

    def _hand_in(self, stream: str, user: str, said: _SaidAlone, floor: int) -> None:
        pushed = said.pushed
        self._log.append(
            stream,
            pushed.event,
            _json(pushed.payload),
            user=user,
            id=said.id,
            at=str(pushed.payload["at"]),
            floor=floor,
            digest=said.digest,
            within=said.within,
            again=True,
        )

    def _catch_up(self, stream: str, user: str, last: int, known: int) -> None:
        missed = self._log.since(stream, last, user=user)
        if missed is None:
            if stream not in self._gauges:
                self._own.begin(stream, known, user=user)  # what they have seen is no known place here either
                self._audience.send_away(user)
            return
        for entry in missed[-1:] if stream in self._gauges else missed:
            self._take(entry)

    def _remember(self, identity: str) -> None:
        self._delivered[identity] = None
        if len(self._delivered) > _MOST_REMEMBERED:
            self._delivered.popitem(last=False)

    def _fresh_number(self, known: int = 0) -> int:
        """A number above all that were given, and most likely where no other worker begins; our clock may be slow."""
        return max(known, int(self._clock.now().timestamp() * _SECOND)) + int(self._random() * _SECOND)


def _pushed(entry: Entry) -> Pushed:
    return stamped(entry.seq, entry.stream, entry.event, entry.payload, entry.at)


def _json(payload: Mapping[str, Any]) -> bytes:
    return orjson.dumps(payload, default=str, option=orjson.OPT_NON_STR_KEYS)
