"""Calls handed to another thread, so that their caller can give up waiting for them: the timeouts of threading mode.

A thread cannot be interrupted. One that is over its time is left to itself: its result is dropped, and when its call
ends after all it takes calls again. The threads are parked between calls and are daemons: one that hangs does not keep
the process from ending, as one of `concurrent.futures` would.
"""

from __future__ import annotations

import contextvars
import threading
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from typing import Any

_PARKED = 64
"""Threads kept between calls; a burst may make more, which end when it is over."""
_LONGEST = 86_400.0
"""Locks wait no longer than some days; a timeout of more is none."""


class Handover:
    """Hands calls to threads of its own.

    Args:
        most: threads at once, hanging ones included.
    """

    def __init__(self, most: int = 1024) -> None:
        self._most = most
        self._lock = allocate_lock()
        self._alive = 0
        self._parked: deque[_Worker] = deque()

    @property
    def alive(self) -> int:
        """Return how many threads there are."""
        return self._alive

    def call(self, seconds: float, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call `func` in another thread, with the caller's context variables, and wait for at most `seconds`.

        Raises:
            TimeoutError: it did not end in time, or every thread hangs.
            BaseException: what `func` raised.
        """
        job = _Job(func, args, kwargs)
        self._worker().take(job)
        if not job.done.acquire(True, min(seconds, _LONGEST)):
            raise TimeoutError(f"timed out after {seconds:.3g} s")
        error, job.error = job.error, None  # the error's traceback leads to the job: no circle
        if error is None:
            return job.result
        try:
            raise error
        finally:
            del error

    def _worker(self) -> _Worker:
        try:
            return self._parked.pop()
        except IndexError:
            pass
        with self._lock:
            if self._alive >= self._most:
                raise TimeoutError(f"all of {self._most} threads hang")
            self._alive += 1
        worker = _Worker()
        try:
            threading.Thread(target=self._work, args=(worker,), name="jupiter-call", daemon=True).start()
        except RuntimeError:  # the system gives no more
            self._ended()
            raise TimeoutError("there is no thread to be had") from None
        return worker

    def _work(self, worker: _Worker) -> None:
        while True:
            job = worker.next()
            job.run()
            if len(self._parked) >= _PARKED:
                self._ended()
                job.done.release()
                return
            self._parked.append(worker)  # before the caller goes on: its next call finds this thread parked
            job.done.release()
            del job

    def _ended(self) -> None:
        with self._lock:
            self._alive -= 1


class _Job:
    """One call; its `done` is taken until it has ended."""

    __slots__ = ("_args", "_context", "_func", "_kwargs", "done", "error", "result")

    def __init__(self, func: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self._func = func
        self._args = args
        self._kwargs = kwargs
        self._context = contextvars.copy_context()
        self.error: BaseException | None = None
        self.result: Any = None
        self.done = allocate_lock()
        self.done.acquire()

    def run(self) -> None:
        """Make the call and keep what came of it."""
        try:
            self.result = self._context.run(self._func, *self._args, **self._kwargs)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error


class _Worker:
    """A parked thread's letter box: `_filled` is taken while it is empty."""

    __slots__ = ("_filled", "_job")

    def __init__(self) -> None:
        self._job: _Job | None = None
        self._filled = allocate_lock()
        self._filled.acquire()

    def take(self, job: _Job) -> None:
        """Give the thread its next call."""
        self._job = job
        self._filled.release()

    def next(self) -> _Job:
        """Wait for a call."""
        self._filled.acquire()
        job, self._job = self._job, None
        assert job is not None  # noqa: S101 - it was put there before the letter box was opened
        return job
