"""Where answers are read: in native threads, but only a few at a time.

Every native thread that works takes its turn of the interpreter (5 ms), and the hub waits for all of them: ten feeds
read at once would stop everything else for 50 ms again and again. With two it is 10 ms.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from backend import runtime
from backend.sources.collector import pause

P = ParamSpec("P")
T = TypeVar("T")

PLACES = 2
_places = threading.Semaphore(PLACES)


def heavy(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a pure function in a native thread, as `runtime.offload` does, when there is a place for it."""
    with _places, pause():
        return runtime.offload(func, *args, **kwargs)
