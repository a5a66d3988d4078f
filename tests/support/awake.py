"""Time as this process has had it: what the machine kept from it is not counted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend import runtime

BEAT = 0.05


@contextmanager
def awake() -> Iterator[Callable[[], float]]:
    """Give a function that returns the seconds since: those in which others here could run, or those of work."""
    beats, going, began = 0, True, time.process_time()

    def beat() -> None:
        nonlocal beats
        while going:
            runtime.sleep(BEAT)
            beats += 1

    beating = runtime.spawn(beat)
    try:
        yield lambda: max(beats * BEAT, time.process_time() - began)
    finally:
        going = False
        beating.wait(10)
