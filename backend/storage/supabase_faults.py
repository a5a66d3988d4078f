"""What PostgREST, PostgreSQL and the network say when something is wrong, as the codes of a QueryResult."""

from __future__ import annotations

import httpx

from backend.storage.database import FaultCode, QueryResult

_EXACT: dict[str, FaultCode] = {
    "23505": "conflict",  # unique_violation
    "42501": "forbidden",  # insufficient_privilege, row-level security included
    "403": "forbidden",
    "401": "unauthenticated",
    "PGRST301": "unauthenticated",  # the token cannot be decoded
    "PGRST302": "unauthenticated",  # no token where one is needed
    "PGRST303": "unauthenticated",  # its claims do not hold: expired, most of the time
}
_BEGINNINGS: tuple[tuple[str, FaultCode], ...] = (
    ("22", "constraint"),  # data exceptions
    ("23", "constraint"),  # integrity
    ("PGRST10", "constraint"),  # the request cannot be read
)
_MAX_TOLD = 300  # characters of an error page


class NotRowsError(ValueError):
    """An answer that is no list of rows: from something that is not PostgREST, or cut off."""


def faults() -> tuple[type[Exception], ...]:
    """Return what a query may raise without anybody here being at fault."""
    from postgrest.exceptions import APIError  # noqa: PLC0415 - takes 0.2 s, and only who has Supabase needs it

    return APIError, httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError


def failure(error: Exception, seconds: float) -> QueryResult:
    """Return the answer for a query that raised one of `faults`."""
    text = str(getattr(error, "message", None) or error or type(error).__name__)
    told = f"{type(error).__name__}: {text}"[:_MAX_TOLD]
    return QueryResult(success=False, data=[], error=told, response_time=seconds, code=_code(error))


def _code(error: Exception) -> FaultCode:
    if isinstance(error, httpx.TransportError | TimeoutError):
        return "unreachable"
    code = str(getattr(error, "code", "") or "")
    if code in _EXACT:
        return _EXACT[code]
    return next((meant for begin, meant in _BEGINNINGS if code.startswith(begin) and len(code) > 3), "unavailable")
