"""The one lock the kit uses: native and re-entrant.

eventlet and gevent replace `threading.Lock` by one that parks the greenlet; taking it costs several times as much
and a finalizer that switches greenlets inside it can stop the process. Nothing of the kit switches inside a lock (no
user function, no I/O, no listener runs there), so a native lock is right in every mode: greenlets of one thread share
it and are never parked by it, native threads exclude each other. `_thread.RLock` is left alone by both libraries.
"""

from __future__ import annotations

from _thread import RLock

__all__ = ["RLock"]
