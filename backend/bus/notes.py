"""What each worker has to say about itself, for whoever asks one of them: kept in Redis for a few seconds."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Any

import orjson

from backend.bus.wire import AwayError, Wire


class Notes:
    """One note of each worker.

    Args:
        wire: the line to the others.
        name: of the kind of note.
        seconds: for which a note counts.
        now: seconds since 1970.
    """

    def __init__(self, wire: Wire, name: str, *, seconds: float = 15.0, now: Callable[[], float] = time.time) -> None:
        self._wire = wire
        self._key = wire.key(f"notes:{name}")
        self._seconds = seconds
        self._now = now

    def put(self, worker: str, text: bytes) -> None:
        """Write our note; nothing happens while Redis is away."""
        head = orjson.dumps({"worker": worker, "at": self._now()})
        note = len(head).to_bytes(2, "big") + head + zlib.compress(text, 1)
        try:
            self._wire.ask(lambda: self._wire.client.hset(self._key, self._wire.worker, note))
        except AwayError:
            return

    def drop(self) -> None:
        """Take our note away."""
        try:
            self._wire.ask(lambda: self._wire.client.hdel(self._key, self._wire.worker))
        except AwayError:
            return

    def others(self, own: str) -> dict[str, bytes]:
        """Return worker -> note of all others; none while Redis is away. What is too old is removed.

        Args:
            own: our name; another worker of that name, on another machine, is shown under a longer one.
        """
        try:
            found: Any = self._wire.ask(lambda: self._wire.client.hgetall(self._key))
        except AwayError:
            return {}
        notes: dict[str, bytes] = {}
        for identity, note in found.items():
            length = int.from_bytes(note[:2], "big")
            head = orjson.loads(note[2 : 2 + length])
            if self._now() - head["at"] > self._seconds:
                self._forget(identity)
            elif identity.decode() != self._wire.worker:
                name = (
                    head["worker"]
                    if head["worker"] not in {own, *notes}
                    else f"{head['worker']}-{identity.decode()[:4]}"
                )
                notes[name] = zlib.decompress(note[2 + length :])
        return notes

    def _forget(self, identity: bytes) -> None:
        try:
            self._wire.ask(lambda: self._wire.client.hdel(self._key, identity))
        except AwayError:
            return
