"""The one module that knows eventlet, gevent or threads.

`patch()` must run before anything else is imported; the first lines of run.py and of the tests' conftest do so.
After it, `threading`'s Lock, Event, Semaphore and Queue are those of the chosen mode and may be used directly.
"""

from __future__ import annotations

import contextvars
import functools
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from backend.runtime.handover import Handover
from backend.runtime.watchdog import Watchdog

P = ParamSpec("P")
T = TypeVar("T")

MODES = ("eventlet", "gevent", "threading")
_mode = "threading"
_hub: Callable[[], Any] | None = None
_handover = Handover()
_left_behind: list[tuple[contextvars.ContextVar[Any], Any]] = []


class Task(Protocol):
    """Something spawned: it can be cancelled and waited for."""

    def kill(self) -> None: ...

    def wait(self, timeout: float | None = None) -> bool: ...


def patch(mode: str = "eventlet") -> None:
    """Choose the async mode and replace the blocking parts of the standard library.

    Args:
        mode: eventlet, gevent or threading (which replaces nothing).

    Raises:
        ValueError: the mode is none of the three.
    """
    global _mode, _hub
    if mode not in MODES:
        raise ValueError(f"async mode must be one of {', '.join(MODES)}, not {mode!r}")
    if mode == "eventlet":
        _patch_eventlet()
    elif mode == "gevent":
        from gevent import monkey

        monkey.patch_all()
        # engineio prefers the gevent-websocket package where it is installed, which needs a server of its own and is
        # no longer maintained; without it engineio takes simple-websocket, which works with ours
        sys.modules.setdefault("geventwebsocket", None)  # type: ignore[arg-type]
    _mode = mode
    _hub = _hub_of(mode)


def _hub_of(mode: str) -> Callable[[], Any] | None:
    if mode == "eventlet":
        from eventlet.hubs import get_hub

        return get_hub  # type: ignore[no-any-return]
    if mode == "gevent":
        from gevent import get_hub

        return get_hub  # type: ignore[no-any-return]
    return None


def _patch_eventlet() -> None:
    # eventlet's own resolver imports dnspython and with it an HTTP stack that cannot be patched any more; the
    # system's resolver in a native thread knows /etc/hosts and the search list better anyway.
    os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
        import eventlet
        from eventlet import tpool
    blocking_getaddrinfo = socket.getaddrinfo
    eventlet.monkey_patch()

    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        return tpool.execute(blocking_getaddrinfo, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


def mode() -> str:
    """Return the async mode in force: eventlet, gevent or threading."""
    return _mode


def sleep(seconds: float = 0.0) -> None:
    """Give way for `seconds`; 0 lets the others run once."""
    time.sleep(seconds)  # patched in eventlet and gevent


class _GreenTask:
    def __init__(self, greenlet: Any) -> None:
        self._greenlet = greenlet
        self._done = threading.Event()
        greenlet.link(lambda *_: self._done.set())

    def kill(self) -> None:
        self._greenlet.kill()

    def wait(self, timeout: float | None = None) -> bool:
        return self._done.wait(timeout)


class _ThreadTask:
    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    def kill(self) -> None:
        """Threads cannot be cancelled: loops that must end look at an Event of their own."""

    def wait(self, timeout: float | None = None) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()


def leave_behind(variable: contextvars.ContextVar[T], value: T) -> None:
    """Have everything that is spawned from now on begin with `value`, whatever the spawner's is."""
    _left_behind.append((variable, value))


def spawn(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Task:
    """Run `func` concurrently with a copy of the caller's context variables, but for those that are left behind."""
    context = contextvars.copy_context()
    for variable, value in _left_behind:
        context.run(variable.set, value)
    if _mode == "eventlet":
        import eventlet

        return _GreenTask(eventlet.spawn(context.run, func, *args, **kwargs))
    if _mode == "gevent":
        import gevent

        return _GreenTask(gevent.spawn(context.run, func, *args, **kwargs))
    thread = threading.Thread(target=context.run, args=(func, *args), kwargs=kwargs, daemon=True)
    thread.start()
    return _ThreadTask(thread)


def call_with_timeout(seconds: float, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `func` and give up after `seconds`.

    On eventlet and gevent the call itself is interrupted. A thread cannot be: there the call goes on in the
    background and its result is dropped, so functions given here should have a timeout of their own too.

    Raises:
        TimeoutError: the time ran out.
    """
    if seconds <= 0:
        raise TimeoutError("no time left")
    if _hub is not None:
        hub = _hub()
        watchdog = hub.__dict__.get("jupiter_watchdog") or _new_watchdog(hub)
        return watchdog.call(seconds, func, args, kwargs)  # type: ignore[no-any-return]
    return _handover.call(seconds, func, args, kwargs)  # type: ignore[no-any-return]


def call_cooperatively(seconds: float, func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a `func` that ends in time by itself, because what it waits for has timeouts of its own.

    On eventlet and gevent it is interrupted like any other, which costs nothing. In threading mode the call is made in
    the caller's own thread: it costs a twentieth, and nobody but `func` keeps the time.

    Raises:
        TimeoutError: there is no time left, or it ran out.
    """
    if _hub is not None:
        return call_with_timeout(seconds, func, *args, **kwargs)
    if seconds <= 0:
        raise TimeoutError("no time left")
    return func(*args, **kwargs)


def _new_watchdog(hub: Any) -> Watchdog:
    """One for each event loop, that is, for each native thread that makes such calls."""
    arm = _arm_eventlet if _mode == "eventlet" else _arm_gevent
    if _mode == "eventlet":
        from eventlet import Timeout, getcurrent
    else:
        from gevent import Timeout, getcurrent
    hub.jupiter_watchdog = Watchdog(functools.partial(arm, hub), getcurrent, Timeout)
    return hub.jupiter_watchdog  # type: ignore[no-any-return]


def _arm_eventlet(hub: Any, seconds: float, func: Callable[[], object]) -> Callable[[], object]:
    return hub.schedule_call_global(seconds, func).cancel  # type: ignore[no-any-return]


def _arm_gevent(hub: Any, seconds: float, func: Callable[[], object]) -> Callable[[], object]:
    timer = hub.loop.timer(seconds)

    def close() -> None:
        timer.stop()
        timer.close()

    def fire() -> None:
        close()
        func()

    timer.start(fire)
    return close


def offload(func: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in a native thread and wait for it without blocking the others.

    It finds the caller's context variables there, and with them the deadline.
    `func` must be pure: no logging, no emit, no locks of this process inside (they are green and would hang).
    """
    if _mode == "eventlet":
        from eventlet import tpool

        return tpool.execute(contextvars.copy_context().run, func, *args, **kwargs)  # type: ignore[no-any-return]
    if _mode == "gevent":
        import gevent

        context = contextvars.copy_context()
        outcome, error = gevent.get_hub().threadpool.apply(context.run, (_caught, func, args, kwargs))
        if error is not None:
            raise error
        return outcome  # type: ignore[no-any-return]
    return func(*args, **kwargs)


def _caught(func: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, BaseException | None]:
    """Return what came of it: gevent prints every exception that leaves a function in its threads."""
    try:
        return func(*args, **kwargs), None
    except BaseException as error:  # noqa: BLE001 - raised again by `offload`, in the caller's greenlet
        return None, error


def is_cancellation(error: BaseException) -> bool:
    """Tell whether `error` means that somebody stopped us, which says nothing about a dependency."""
    if isinstance(error, GeneratorExit | KeyboardInterrupt | SystemExit):
        return True
    return type(error).__name__ == "GreenletExit"


def is_timeout(error: BaseException) -> bool:
    """Tell whether `error` is a timer's, also one of those eventlet and gevent derive from BaseException."""
    return isinstance(error, TimeoutError) or (
        type(error).__name__ == "Timeout" and type(error).__module__.split(".")[0] in ("eventlet", "gevent")
    )


def is_callers_timer(error: BaseException) -> bool:
    """Tell whether `error` is a fired timer whose block has not ended: it was set further out, and stops us too.

    A timer that a called function set for itself is cancelled by the time it comes out of there.
    """
    if not is_timeout(error):
        return False
    watch = getattr(error, "watch", None)
    if watch is not None:
        return not watch.over
    timer = getattr(error, "timer", None)
    return timer is not None and type(timer).__name__ != "_FakeTimer" and not getattr(error, "pending", False)
