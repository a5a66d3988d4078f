"""What each worker has to say about itself, for whoever asks one of them: kept in Redis for a few seconds.

How old a note is goes by the clock of Redis. Those of workers that have died are removed by the others' next notes, and
all of it when nobody writes any more.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from backend.bus.wire import AwayError, Wire

# KEYS: worker -> note, workers by the time of their notes. ARGV: worker, note, seconds for which a note counts
_PUT = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.6f', now), ARGV[1])
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.6f', now - ARGV[3]))) do
  redis.call('HDEL', KEYS[1], dead)
  redis.call('ZREM', KEYS[2], dead)
end
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], math.ceil(ARGV[3] * 1000)) end
"""
# KEYS: as above. ARGV: seconds for which a note counts. Returns: worker, note, worker, note and so on
_FRESH = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local fresh = {}
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], string.format('%.6f', now - ARGV[1]), '+inf')) do
  local note = redis.call('HGET', KEYS[1], worker)
  if note then
    fresh[#fresh + 1] = worker
    fresh[#fresh + 1] = note
  end
end
return fresh
"""


class Notes:
    """One note of each worker.

    Args:
        wire: the line to the others.
        name: of the kind of note.
        seconds: for which a note counts.
    """

    def __init__(self, wire: Wire, name: str, *, seconds: float = 15.0) -> None:
        self._wire = wire
        self._keys = [wire.key(f"notes:{name}:{part}") for part in ("texts", "times")]
        self._seconds = seconds
        self._put = wire.client.register_script(_PUT)
        self._fresh = wire.client.register_script(_FRESH)

    def put(self, worker: str, text: bytes) -> None:
        """Write our note; nothing happens while Redis is away."""
        head = orjson.dumps({"worker": worker})
        note = len(head).to_bytes(2, "big") + head + zlib.compress(text, 1)
        try:
            self._wire.ask(lambda: self._put(keys=self._keys, args=[self._wire.worker, note, self._seconds]))
        except AwayError:
            return

    def drop(self) -> None:
        """Take our note away."""
        try:
            self._wire.ask(lambda: self._wire.client.hdel(self._keys[0], self._wire.worker))
        except AwayError:
            return

    def others(self, own: str) -> dict[str, bytes]:
        """Return worker -> note of all others; none while Redis is away.

        Args:
            own: our name; another worker of that name, on another machine, is shown under a longer one.
        """
        try:
            found: Any = self._wire.ask(lambda: self._fresh(keys=self._keys, args=[self._seconds]))
        except AwayError:
            return {}
        notes: dict[str, bytes] = {}
        for identity, worker, text in self._read(found):
            name = worker if worker not in {own, *notes} else f"{worker}-{identity[:4]}"
            notes[name] = text
        return notes

    def _read(self, found: list[bytes]) -> Iterator[tuple[str, str, bytes]]:
        """Yield identity, name and text of the others' notes, but for what is no note of ours."""
        for identity, note in zip(found[::2], found[1::2], strict=True):
            length = int.from_bytes(note[:2], "big")
            try:
                worker, text = orjson.loads(note[2 : 2 + length])["worker"], zlib.decompress(note[2 + length :])
            except (ValueError, TypeError, KeyError, zlib.error):
                continue
            if identity.decode() != self._wire.worker:
                yield identity.decode(), worker, text
