"""The reading of one guarded stream: each item under a timeout, the outcome to the breaker at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from backend.resilience.breaker import CircuitBreaker
from backend.resilience.deadline import Deadline, enter, leave
from backend.resilience.outcome import is_fault

_log = logging.getLogger("jupiter.resilience")
_END: Final = object()


class StreamReader:
    """Reads one stream under one permit of the breaker.

    The timeout is set around each item here, outside the iterator, because in threading mode an iterator that hangs
    cannot be interrupted: its permit is settled all the same.

    Args:
        breaker: gives the permit and takes the outcome.
        time_for_one: the seconds that one item may take, and the deadline that tells it so.
        timed_out: makes the error for a timeout of so many seconds.
        in_time: makes a call within so many seconds.
    """

    def __init__(
        self,
        breaker: CircuitBreaker,
        time_for_one: Callable[[], tuple[float, Deadline]],
        timed_out: Callable[[TimeoutError, float], BaseException],
        in_time: Callable[..., Any],
    ) -> None:
        self._call = breaker.begin()
        self._time_for_one = time_for_one
        self._timed_out = timed_out
        self._in_time = in_time
        self._iterator: Iterator[Any] | None = None

    def open(self, make_iterator: Callable[[], Iterable[Any]]) -> Any:
        """Make the iterator and return its first item, or the mark of the end."""

        def start() -> Any:
            self._iterator = iter(make_iterator())
            return next(self._iterator, _END)

        return self._judged(start)

    def read(self, first: Any) -> Iterator[Any]:
        """Yield `first` and all that follows it."""
        item = first
        try:
            while item is not _END:
                self._call.alive()
                yield item
                item = self._judged(lambda: next(self._iterator, _END))  # type: ignore[arg-type]  # opened by now
        except BaseException:
            self._call.dropped()  # left, or something thrown in: the reader's; what the stream raised has been judged
            raise
        finally:
            self._close()
        self._call.succeeded()

    def _judged(self, step: Callable[[], Any]) -> Any:
        seconds, own = self._time_for_one()
        token = enter(own)
        try:
            return self._in_time(seconds, step)
        except BaseException as error:
            told = self._timed_out(error, seconds) if isinstance(error, TimeoutError) else error
            self._call.failed(told)
            self._close()
            if told is error:
                raise
            raise told from error
        finally:
            leave(token)

    def _close(self) -> None:
        close = getattr(self._iterator, "close", None)
        if not callable(close):
            return
        try:
            close()
        except BaseException as error:  # the stream is over, its outcome is known
            if not is_fault(error):
                raise
            _log.debug("closing a stream failed: %s", error)
