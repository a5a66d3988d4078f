"""How long something takes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds since."""
    began = time.monotonic()
    yield lambda: time.monotonic() - began
