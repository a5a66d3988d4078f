"""Doing something once by key: who asks again gets the first result."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from backend.errors import RateLimitedError

T = TypeVar("T")


class _Run:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.result: Any = None
        self.worked = False


class Once(Generic[T]):
    """Remembers results by key; a failure is not remembered, so that it can be tried again.

    Args:
        max_entries: how many results are kept, the newest.
        wait_seconds: how long a second caller waits for the first.
    """

    def __init__(self, *, max_entries: int = 10_000, wait_seconds: float = 10.0) -> None:
        self._runs: OrderedDict[Hashable, _Run] = OrderedDict()
        self._lock = threading.Lock()
        self._max_entries = max_entries
        self._wait_seconds = wait_seconds

    def run(self, key: Hashable, func: Callable[[], T]) -> T:
        """Return what `func` returned for this key, calling it if nobody has.

        Raises:
            RateLimitedError: another caller is at it and does not come to an end.
            Exception: whatever `func` raises, for its own caller; those who waited for it try themselves.
        """
        while True:
            with self._lock:
                first = self._runs.get(key)
                if first is None:
                    own = self._runs[key] = _Run()
                    self._shrink()
                    break
            if not first.done.wait(self._wait_seconds):
                raise RateLimitedError("the same request is still being worked on")
            if first.worked:
                result: T = first.result
                return result
        return self._first(key, own, func)

    def _first(self, key: Hashable, own: _Run, func: Callable[[], T]) -> T:
        try:
            result = own.result = func()
            own.worked = True
        finally:
            if not own.worked:
                with self._lock:
                    self._runs.pop(key, None)
            own.done.set()
        return result

    def _shrink(self) -> None:
        while len(self._runs) > self._max_entries:
            self._runs.popitem(last=False)
