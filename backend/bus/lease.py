"""Being the one: a role that one worker has at a time, and another takes over when it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable

from backend import runtime
from backend.bus.wire import AwayError, Wire
from backend.resilience.clock import SYSTEM_CLOCK, Clock

_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_DROP = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Lease:
    """A role by name.

    Args:
        wire: the line to the others.
        name: of the role.
        seconds: after which it is free if its holder says nothing more; it is renewed three times as often.
    """

    def __init__(self, wire: Wire, name: str, *, seconds: float = 3.0, clock: Clock = SYSTEM_CLOCK) -> None:
        self._wire = wire
        self._key = wire.key(f"lease:{name}")
        self._seconds = seconds
        self._clock = clock
        self._until = 0.0
        self._gained: list[Callable[[], object]] = []
        self._stopped = threading.Event()
        self._hold = wire.client.register_script(_HOLD)
        self._drop = wire.client.register_script(_DROP)
        wire.on_up(self.renew)

    @property
    def held(self) -> bool:
        """Whether it is ours. While Redis is away each worker has every role, for itself."""
        return not self._wire.up or self._clock.monotonic() < self._until

    def on_gain(self, told: Callable[[], object]) -> None:
        """Have `told` called when it has become ours."""
        self._gained.append(told)

    def renew(self) -> None:
        """Take it or hold it on."""
        before = self._clock.monotonic()
        had = before < self._until
        args: list[str | int] = [self._wire.worker, int(self._seconds * 1000)]
        try:
            held = bool(self._wire.ask(lambda: self._hold(keys=[self._key], args=args)))
        except AwayError:
            return
        self._until = before + self._seconds if held else 0.0
        if held and not had:
            for told in self._gained:
                told()

    def start(self, spawn: Callable[..., runtime.Task] = runtime.spawn) -> None:
        """Hold it, or wait for it, in the background."""
        spawn(self._run)

    def stop(self) -> None:
        """Leave it to another."""
        self._stopped.set()
        self._until = 0.0
        try:
            self._wire.ask(lambda: self._drop(keys=[self._key], args=[self._wire.worker]))
        except AwayError:
            return  # it ends by itself

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds / 3):
            self.renew()
