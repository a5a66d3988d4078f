"""Work that waits for its turn: a few at a time, in order, each thing once."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("jupiter.scans")


class WorkQueue:
    """Runs jobs in the background.

    Args:
        at_once: how many run at the same time.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._at_once = at_once
        self._jobs: deque[tuple[str, Callable[[], object]]] = deque()
        self._names: set[str] = set()
        self._more = threading.Condition()
        self._stopped = False

    def add(self, name: str, job: Callable[[], object]) -> bool:
        """Have `job` run; tell whether it was taken: a job of that name may wait or run already."""
        with self._more:
            if name in self._names or self._stopped:
                return False
            self._names.add(name)
            self._jobs.append((name, job))
            self._more.notify()
        return True

    def has(self, name: str) -> bool:
        """Tell whether a job of that name waits or runs."""
        return name in self._names

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin to run jobs."""
        for _ in range(self._at_once):
            spawn(self._work)

    def stop(self) -> None:
        """Begin no more jobs."""
        with self._more:
            self._stopped = True
            self._jobs.clear()
            self._more.notify_all()

    def _work(self) -> None:
        while True:
            with self._more:
                while not self._jobs and not self._stopped:
                    self._more.wait()
                if self._stopped:
                    return
                name, job = self._jobs.popleft()
            try:
                job()
            except Exception:  # the boundary of a background task: told, and the next job has its turn
                logger.exception("❌ A job of the scans failed; it is tried again if it is not finished")
            finally:
                with self._more:
                    self._names.discard(name)
