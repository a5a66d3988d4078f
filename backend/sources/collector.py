"""The garbage collector kept out of the way of heavy work.

A full collection looks at every container of the process while it holds the interpreter: with 5,000 records in memory
0.1 s in which nothing else runs, and reading them sets off a dozen. Records hold no cycles, so there is nothing in them
for it to find: while they are made it pauses, and those that were made by the hundred are then taken out of its sight.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 500
_lock = threading.Lock()
_quiet = 0


@contextmanager
def pause() -> Iterator[None]:
    """Have no collection begin by itself before the block ends, also where several such blocks overlap."""
    global _quiet  # noqa: PLW0603 - the collector is the process's
    with _lock:
        _quiet += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _quiet -= 1
            if _quiet == 0:
                gc.enable()


def settle(made: int) -> None:
    """Leave out of later collections what is in memory now, where `made` objects are worth it.

    They are freed as soon as nobody refers to them, as ever; only cycles that are garbage at this moment stay, which is
    little, and this is done a few times a day.
    """
    if made >= MANY:
        gc.freeze()
