"""What went wrong over HTTP, in words for a person and as the error that carries the decision."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import datetime

import httpx

from backend.errors import DashboardError, NetworkError, UpstreamRejectedError
from backend.resilience.retry_after import parse_retry_after

LONGEST_RETRY_AFTER = 86_400.0
LONGEST_PAUSE = 3600.0
"""Seconds for which a source that has given something is left alone in the middle of an answer."""
_PASSING = frozenset((408, 421, 425, 429))
_REFUSED = {
    401: "The server wants a sign-in (401).",
    403: "The server refuses the request (403).",
    404: "There is nothing at this address (404).",
    410: "What was at this address is gone (410).",
}


def unusable_status(status: int, retry_after: str | None, now: datetime) -> NetworkError:
    """Return the error for a status that is neither 200 nor 304.

    Args:
        retry_after: the header, seconds or an HTTP date.
        now: aware, for the date.
    """
    slow_down = status == 429 or (status == 403 and retry_after is not None)  # GitHub says it with 403
    if slow_down or status in _PASSING or status >= 500:
        wait = parse_retry_after(retry_after, now)
        text = (
            f"The server asks us to slow down ({status})." if slow_down else f"The server answered with error {status}."
        )
        return NetworkError(
            f"HTTP {status}",
            upstream_status=status,
            retry_after=None if wait is None else min(wait, LONGEST_RETRY_AFTER),
            message=text,
        )
    if status < 400:
        return NetworkError(
            f"HTTP {status}",
            upstream_status=status,
            message=f"The server answered with status {status} instead of a document.",
        )
    text = _REFUSED.get(status, f"The server refuses the request ({status}).")
    return UpstreamRejectedError(f"HTTP {status}", upstream_status=status, message=text)


def again_in(usual: float, failure: DashboardError | None) -> float:
    """Return the seconds until the rest of an answer may be asked for: not before the time that the server wants.

    Args:
        failure: that ended the reading early, None where none did.
    """
    asked = failure.asked_to_wait if failure is not None else None
    return max(usual, min(float(asked or 0.0), LONGEST_PAUSE))


def transport_error(error: Exception, timeout: float) -> NetworkError:
    """Return our error for one of the HTTP client's or the system's.

    Args:
        timeout: seconds that the request had.
    """
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return UpstreamRejectedError(str(error), message="The address cannot be used.")
    return NetworkError(f"{type(error).__name__}: {error}", message=_told(error, timeout))


def _told(error: Exception, timeout: float) -> str:
    causes = tuple(_causes(error))
    if isinstance(error, httpx.ConnectTimeout):
        return "The server cannot be reached: the connection timed out."
    if isinstance(error, httpx.TimeoutException):
        return f"The server did not answer within {timeout:g} s."
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return "The server refused the connection."
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "The server's name cannot be resolved. Is there a network?"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "No secure connection: the server's certificate cannot be verified."
    if isinstance(error, httpx.RemoteProtocolError):
        return "The server ended its answer too early, or it does not speak HTTP."
    if isinstance(error, httpx.ConnectError):
        return "The server cannot be reached. Is there a network?"
    return "The connection broke before the answer was complete."


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it came from, as deep as it goes."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
