"""The numbered log of events that all workers write, and their channel: to number, keep and announce is one step.

A stream's events form a chain: each knows the number before it. Numbers only grow, but not always by one (after a time
without Redis they jump ahead), so a number is a known place in the log if the next event says that it comes after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from backend.bus.wire import Wire

OF_EVERYBODY_SECONDS = 7 * 86_400
OF_A_PERSON_SECONDS = 86_400

# KEYS: head, entries. ARGV: channel, header, payload, keep, seconds, floor, digest, milliseconds, id to look for
_APPEND = """
local function text(n) return string.format('%.0f', n) end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local head = redis.call('HMGET', KEYS[1], 'last', 'digest', 'told')
if ARGV[7] ~= '' and head[2] == ARGV[7] then
  local window = tonumber(ARGV[8])
  if window == 0 or now - tonumber(head[3]) < window * 1000 then return '' end
end
if ARGV[9] ~= '' then
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 200)) do
    if string.find(entry[2][2], ARGV[9], 1, true) then return '' end
  end
end
local floor = tonumber(ARGV[6])
local last = tonumber(head[1] or 0)
if last == 0 then last = math.max(now, floor) end
local seq = math.max(last, floor) + 1
redis.call('XADD', KEYS[2], 'MAXLEN', '=', ARGV[4], text(seq) .. '-0', 'h', ARGV[2], 'b', text(last), 'p', ARGV[3])
redis.call('HSET', KEYS[1], 'last', text(seq), 'digest', ARGV[7], 'told', text(now))
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('PUBLISH', ARGV[1], '{"topic":"push","seq":' .. text(seq) .. ',"before":' .. text(last)
  .. ',' .. ARGV[2] .. ',"payload":' .. ARGV[3] .. '}')
return text(seq)
"""
# KEYS: head, entries. ARGV: number (-1: only the head), seconds, floor. Returns: last, whether it is known, entries
_SINCE = """
local function text(n) return string.format('%.0f', n) end
local last = tonumber(redis.call('HGET', KEYS[1], 'last') or 0)
local before = last
local floor = tonumber(ARGV[3])
if last == 0 then
  local time = redis.call('TIME')
  last = floor > 0 and floor or tonumber(time[1]) * 1000000 + tonumber(time[2])
  redis.call('HSET', KEYS[1], 'last', text(last))
  redis.call('EXPIRE', KEYS[1], ARGV[2])
elseif floor > last then
  last = floor
  redis.call('HSET', KEYS[1], 'last', text(last))
end
local seq = tonumber(ARGV[1])
if seq < 0 then return {text(last), text(before), {}} end
if seq == last then return {text(last), 'yes', {}} end
local entries = redis.call('XRANGE', KEYS[2], text(seq + 1) .. '-0', '+')
if #entries == 0 or entries[1][2][4] ~= text(seq) then return {text(last), 'no', {}} end
return {text(last), 'yes', entries}
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the log; `before` is the number it follows, `id` the one its maker gave it."""

    stream: str
    user: str
    event: str
    seq: int
    before: int
    id: str
    at: str
    payload: Mapping[str, Any]


class EventLog:
    """The log of all streams.

    Args:
        wire: the line it is kept behind.
        kept: stream -> how many events are kept; `otherwise` for one that is not named.
    """

    def __init__(self, wire: Wire, kept: Mapping[str, int], *, otherwise: int = 16) -> None:
        self._wire = wire
        self._kept = dict(kept)
        self._otherwise = otherwise
        self._append = wire.client.register_script(_APPEND)
        self._since = wire.client.register_script(_SINCE)

    def append(
        self,
        stream: str,
        event: str,
        payload: bytes,
        *,
        user: str,
        id: str,
        at: str,
        floor: int = 0,
        digest: str = "",
        within: float = 0.0,
        again: bool = False,
    ) -> int | None:
        """Number an event, keep it and send it to all processes; return its number.

        Args:
            payload: JSON.
            floor: the number is above this one.
            digest: an event whose digest the newest one of the stream has too is not news: None is returned.
            within: seconds for which that holds; 0 for ever.
            again: it may have been said before, under the same id, without our knowing.

        Raises:
            AwayError: Redis is away; the event may or may not have been sent.
        """
        header = orjson.dumps(
            {"stream": stream, "user": user, "event": event, "id": id, "at": at, "by": self._wire.worker}
        )
        seconds = OF_A_PERSON_SECONDS if user else OF_EVERYBODY_SECONDS
        keep = self._kept.get(stream, self._otherwise)
        args: list[Any] = [self._wire.channel, header[1:-1], payload, keep, seconds, floor, digest, int(within * 1000)]
        args.append(f'"id":"{id}"' if again else "")
        told = self._wire.ask(lambda: self._append(keys=self._keys(stream, user), args=args))
        return int(told) if told else None

    def since(self, stream: str, seq: int, *, user: str) -> list[Entry] | None:
        """Return the events after `seq` in order, None where that place is not known (any more).

        Raises:
            AwayError: Redis is away.
        """
        _, known, entries = self._read(stream, user, seq, 0)
        return list(_entries(entries)) if known == b"yes" else None

    def kept(self, stream: str, *, user: str) -> list[Entry]:
        """Return all events that are kept, in order; raises like `last`."""
        found: Any = self._wire.ask(lambda: self._wire.client.xrange(self._keys(stream, user)[1]))
        return [_kept(identity, fields) for identity, fields in found]

    def last(self, stream: str, *, user: str) -> int:
        """Return the number of the newest event.

        Raises:
            AwayError: Redis is away.
        """
        return int(self._read(stream, user, -1, 0)[0])

    def lift(self, stream: str, floor: int, *, user: str) -> int:
        """Have all further numbers be above `floor`; return the newest number before that, 0 where there was none.

        Raises:
            AwayError: Redis is away.
        """
        return int(self._read(stream, user, -1, floor)[1])

    def _read(self, stream: str, user: str, seq: int, floor: int) -> Any:
        args = [seq, OF_A_PERSON_SECONDS if user else OF_EVERYBODY_SECONDS, floor]
        return self._wire.ask(lambda: self._since(keys=self._keys(stream, user), args=args))

    def _keys(self, stream: str, user: str) -> list[str]:
        name = f"log:{stream}:{user}"
        return [self._wire.key(f"{name}:head"), self._wire.key(f"{name}:events")]


def _entries(found: Iterable[tuple[bytes, Any]]) -> Iterable[Entry]:
    for identity, fields in found:
        header = orjson.loads(b"{" + fields[1] + b"}")
        payload = orjson.loads(fields[5])
        yield _entry(header, int(identity.partition(b"-")[0]), int(fields[3]), payload)


def _kept(identity: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    header = orjson.loads(b"{" + fields[b"h"] + b"}")
    return _entry(header, int(identity.partition(b"-")[0]), int(fields[b"b"]), orjson.loads(fields[b"p"]))


def entry_of(message: Mapping[str, Any]) -> Entry:
    """Read a message of the topic `push`."""
    return _entry(message, int(message["seq"]), int(message["before"]), message["payload"])


def _entry(header: Mapping[str, Any], seq: int, before: int, payload: Mapping[str, Any]) -> Entry:
    return Entry(header["stream"], header["user"], header["event"], seq, before, header["id"], header["at"], payload)
