"""Streams under a breaker: a generator is guarded from its first item to its last.

It is admitted when its first item is asked for, not when it is made, so one that nobody reads holds nothing. A client
that leaves (GeneratorExit) says neither that the dependency works nor that it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol


class StreamCall(Protocol):
    """One admitted stream, as the breaker follows it."""

    def alive(self) -> None:
        """An item has come."""

    def succeeded(self) -> None: ...

    def failed(self, error: BaseException) -> None: ...


def guard_stream(items: Generator[Any, Any, Any], admit: Callable[[], StreamCall]) -> Generator[Any, Any, Any]:
    """Pass on what `items` yields, takes and returns, and tell the breaker how it ended."""
    call = admit()
    try:
        result = yield from _passed_on(items, call)
    except BaseException as error:
        call.failed(error)
        raise
    call.succeeded()
    return result


def _passed_on(items: Generator[Any, Any, Any], call: StreamCall) -> Generator[Any, Any, Any]:
    """`yield from items`, with a word to the breaker after each item."""
    step: Callable[[Any], Any] = items.send
    given: Any = None
    while True:
        try:
            item = step(given)
        except StopIteration as end:
            return end.value
        call.alive()
        try:
            given = yield item
            step = items.send
        except GeneratorExit:
            items.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - handed in by the reader for the generator to deal with
            step, given = items.throw, thrown


def opened(make_iterator: Callable[[], Iterable[Any]]) -> Generator[Any, Any, Any]:
    """Make an iterator when the first item is wanted, and close it at the end where it can be closed."""
    iterable = make_iterator()
    try:
        yield from iterable
    finally:
        close = getattr(iterable, "close", None)
        if callable(close):
            close()
