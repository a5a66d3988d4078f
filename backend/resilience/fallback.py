"""What is given in place of a result: a value, a function, or a chain of them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from backend.errors import DashboardError
from backend.resilience.outcome import is_fault

_log = logging.getLogger("jupiter.resilience")


class _Missing:
    """Marks an argument that was not given, where None is a value like any other."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = _Missing()


def calls_for_fallback(error: BaseException) -> bool:
    """Tell whether a fallback may stand in for `error`.

    Not for the caller's own fault (an error with a client status, 400 to 499): there is nothing to fall back from.
    Not for a cancellation, and not for a timer that was set further out.
    """
    if isinstance(error, DashboardError):
        return error.status >= 500
    return is_fault(error)


def resolve(fallback: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """Return the value that stands for `fallback`: a function is called, with the arguments if it takes them."""
    if not callable(fallback):
        return fallback
    return fallback(*args, **(kwargs or {})) if _takes(fallback, args, kwargs or {}) else fallback()


def resolve_chain(fallbacks: Sequence[Any], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None) -> Any:
    """Return the value of the first fallback that does not fail.

    Raises:
        Exception: of the last one, if all fail.
    """
    for number, fallback in enumerate(fallbacks, 1):
        try:
            return resolve(fallback, args, kwargs)
        except BaseException as error:
            if number == len(fallbacks) or not is_fault(error):
                raise
            _log.warning(
                "fallback %d of %d failed with %s, taking the next", number, len(fallbacks), type(error).__name__
            )
    raise LookupError("there is no fallback")


def _takes(func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    try:
        inspect.signature(func).bind(*args, **kwargs)
    except TypeError:
        return False
    except ValueError:  # a builtin that does not tell its signature
        return True
    return True
