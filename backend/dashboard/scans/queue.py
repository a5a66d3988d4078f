"""Work that waits for its turn: a few at a time, each thing once, in order but for those who have more under way."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

logger = logging.getLogger("jupiter.scans")


class Job(NamedTuple):
    """Something to be done for somebody."""

    name: str
    run: Callable[[], object]
    owner: str


class WorkQueue:
    """Runs jobs in the background.

    Args:
        at_once: how many run at the same time.
    """

    def __init__(self, at_once: int = 2) -> None:
        self._at_once = at_once
        self._jobs: list[Job] = []
        self._names: set[str] = set()
        self._under_way: Counter[str] = Counter()
        self._more = threading.Condition()
        self._stopped = False

    def add(self, name: str, job: Callable[[], object], owner: str = "") -> bool:
        """Have `job` run for its owner; tell whether it was taken: one of that name may wait or run already."""
        with self._more:
            if name in self._names or self._stopped:
                return False
            self._names.add(name)
            self._jobs.append(Job(name, job, owner))
            self._more.notify()
        return True

    def has(self, name: str) -> bool:
        """Tell whether a job of that name waits or runs."""
        return name in self._names

    def take(self) -> Job | None:
        """Return the job whose turn it is, the first of the owner with the least under way; None where none waits."""
        with self._more:
            if not self._jobs:
                return None
            job = min(self._jobs, key=lambda each: self._under_way[each.owner])
            self._jobs.remove(job)
            self._under_way[job.owner] += 1
            return job

    def settle(self, job: Job) -> None:
        """Note that a job that was taken has ended."""
        with self._more:
            self._names.discard(job.name)
            self._under_way[job.owner] -= 1
            if not self._under_way[job.owner]:
                del self._under_way[job.owner]

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
            job = self.take()
            if job is None:
                continue  # another was faster
            try:
                job.run()
            except Exception:  # the boundary of a background task: told, and the next job has its turn
                logger.exception("❌ A job of the scans failed; it is tried again if it is not finished")
            finally:
                self.settle(job)
