"""For whom the present request, event or task acts, so that row-level security can hold for what it reads and writes.

Kept in a context variable: what a request spawns goes on for the same person; what nobody asked for acts for the
server.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

from backend.security.principals import Principal

T = TypeVar("T")

_access: ContextVar[Callable[[], str | None] | None] = ContextVar("acting_access", default=None)


def as_server() -> None:
    """From now on act for nobody in particular. Connections are used for several requests, so each begins with this."""
    _access.set(None)


def as_person(principal: Principal) -> None:
    """From now on act for this person."""
    _access.set(principal.access)


def access_token() -> str | None:
    """Return the access token of the person acted for; None for the server, and for people without one.

    Raises:
        AuthenticationError: the person's session holds no longer.
    """
    access = _access.get()
    return access() if access is not None else None


def carried(func: Callable[[], T]) -> Callable[[], T]:
    """Return `func` as it acts for whom the present request acts, also where it is called in no request's context."""
    access = _access.get()

    def run() -> T:
        token = _access.set(access)
        try:
            return func()
        finally:
            _access.reset(token)

    return run
