"""The greenlet libraries' own exceptions in the mode under test; in threading mode, look-alikes."""

from backend import runtime

if runtime.mode() == "eventlet":
    from eventlet import Timeout as GreenTimeout
    from greenlet import GreenletExit as Cancelled
elif runtime.mode() == "gevent":
    from gevent import GreenletExit as Cancelled
    from gevent import Timeout as GreenTimeout
else:
    from greenlet import GreenletExit as Cancelled

    class GreenTimeout(BaseException):
        """Named and placed like eventlet's."""

    GreenTimeout.__name__ = "Timeout"
    GreenTimeout.__module__ = "eventlet.timeout"

__all__ = ["Cancelled", "GreenTimeout"]
