"""The errors Jupiter speaks in: each class carries the decision, not only the text.

Every class says what its callers need to know: `code` (stable, for programs), `status` (HTTP), whether a
retry can help (`retryable`), whether it speaks against the health of a dependency (`counts_as_failure`), how long
to wait (`retry_after`, seconds) and the texts that may be shown to a person (`title`, `public_message`). The text
given to the constructor is for the log; it leaves the process only where `exposes_detail` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DashboardError(Exception):
    """Base of all errors that Jupiter raises on purpose.

    Args:
        detail: what happened, for the log and the developer.
        retry_after: seconds until another try makes sense; None takes the class's own value.
        details: machine-readable particulars, shown to the client (field errors and the like).
        fallback_data: something the client may show instead.
        message: a sentence for the person, in place of the class's own.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal server error"
    public_message: ClassVar[str] = "An unexpected error occurred. Our team has been notified."
    suggestion: ClassVar[str] = "Try again in a minute. If it happens again, tell your administrator the error id."
    actions: ClassVar[Sequence[str]] = ()
    default_retry_after: ClassVar[float | None] = 60
    fallback_available: ClassVar[bool] = False
    retryable: ClassVar[bool] = False
    counts_as_failure: ClassVar[bool] = True
    exposes_detail: ClassVar[bool] = False

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after: float | None = None,
        details: Any = None,
        fallback_data: Mapping[str, Any] | None = None,
        message: str | None = None,
    ) -> None:
        super().__init__(detail or message or self.public_message)
        self.asked_to_wait = retry_after  # by the other side; `retry_after` may be no more than the class's own guess
        self.retry_after = self.default_retry_after if retry_after is None else retry_after
        self.details = details if details is not None else (detail if detail and self.exposes_detail else None)
        self.fallback_data = fallback_data
        self.message = message or self.public_message


class AuthenticationError(DashboardError):
    """Nobody we know: no token, a wrong one or one that has expired."""

    code = "AUTH_FAILED"
    status = 401
    title = "Authentication failed"
    public_message = "Please refresh your session and try again"
    suggestion = "Sign in again, or send a valid bearer token."
    actions = ("refresh_token", "login_again")
    default_retry_after = None
    counts_as_failure = False


class ForbiddenError(DashboardError):
    """Somebody we know who may not do this."""

    code = "FORBIDDEN"
    status = 403
    title = "Not allowed"
    public_message = "Your role does not allow this."
    suggestion = "Ask an administrator for the role this needs."
    default_retry_after = None
    counts_as_failure = False


class NotFoundError(DashboardError):
    """No such thing, or none that this person may see."""

    code = "NOT_FOUND"
    status = 404
    title = "Not found"
    public_message = "There is nothing here under that name."
    suggestion = "Check the address or the id."
    default_retry_after = None
    counts_as_failure = False
    exposes_detail = True


class ConflictError(DashboardError):
    """The request is valid, but not in the state that the thing is in."""

    code = "CONFLICT"
    status = 409
    title = "Conflict"
    public_message = "This does not fit the present state."
    suggestion = "Load the present state and decide again."
    default_retry_after = None
    counts_as_failure = False
    exposes_detail = True


class ValidationError(DashboardError):
    """Input that is readable but wrong; `details` names the fields."""

    code = "VALIDATION_ERROR"
    status = 422
    title = "Invalid data format"
    public_message = "The request contains invalid data"
    suggestion = "Correct the fields named under details and send it again."
    default_retry_after = None
    counts_as_failure = False
    exposes_detail = True


class MalformedRequestError(ValidationError):
    """Input that cannot even be read (broken JSON, wrong content type)."""

    status = 400
    public_message = "The request cannot be read"
    suggestion = "Send a JSON body with the content type application/json."


class PayloadTooLargeError(ValidationError):
    """Input above the limit that is set for it."""

    status = 413
    public_message = "The request is larger than allowed"
    suggestion = "Send less at once."


class RateLimitedError(DashboardError):
    """Too many requests of one client."""

    code = "RATE_LIMITED"
    status = 429
    title = "Too many requests"
    public_message = "You are sending requests faster than allowed."
    suggestion = "Wait the time given in retry_after."
    default_retry_after = 1
    counts_as_failure = False


class DatabaseError(DashboardError):
    """The database did not answer, or answered with a fault of its own."""

    code = "DATABASE_ERROR"
    status = 503
    title = "Data temporarily unavailable"
    public_message = "We are experiencing technical difficulties. Please try again in a few moments."
    suggestion = "Nothing is lost. Try again in half a minute."
    default_retry_after = 30
    fallback_available = True
    retryable = True


class NetworkError(DashboardError):
    """A service outside did not answer, or its answer cannot be used.

    `upstream_status` is its HTTP status where it gave one.
    """

    code = "UPSTREAM_ERROR"
    status = 502
    title = "Upstream service failed"
    public_message = "A service that this depends on is not answering properly."
    suggestion = "Jupiter tries again by itself. Older data is shown where there is any."
    default_retry_after = 30
    fallback_available = True
    retryable = True

    def __init__(self, detail: str = "", *, upstream_status: int | None = None, **more: Any) -> None:
        super().__init__(detail, **more)
        self.upstream_status = upstream_status


class UpstreamRejectedError(NetworkError):
    """A service outside understood us and refuses (wrong key, no credit, wrong request): a retry cannot help."""

    public_message = "A service that this depends on refuses our request."
    suggestion = "An administrator has to check the key, the plan or the address in the settings."
    retryable = False


class NotConfiguredError(DashboardError):
    """A dependency without the settings it needs. Not a fault of anyone's: nothing is called."""

    code = "NOT_CONFIGURED"
    status = 503
    title = "Not configured"
    public_message = "This needs a setting that is not made yet."
    suggestion = "An administrator can add it to the environment; the README lists the settings."
    default_retry_after = None
    counts_as_failure = False
    exposes_detail = True


class DeadlineExceededError(DashboardError, TimeoutError):
    """The time given for an operation ran out."""

    code = "TIMEOUT"
    status = 504
    title = "This took too long"
    public_message = "The operation did not finish in the time it was given."
    suggestion = "Try again; if it stays slow, look at the status page."
    default_retry_after = 10
    fallback_available = True
    retryable = True


class CircuitBreakerOpenError(DashboardError):
    """A call was rejected without being made, because its dependency has been failing.

    Args:
        detail: for the log.
        name: the breaker's name.
        state: its state when it rejected, `open` or `half_open`.
        last_cause: the error that opened it, where known.
    """

    code = "CIRCUIT_OPEN"
    status = 503
    title = "Dashboard service temporarily unavailable"
    public_message = "This service has been failing and is given time to recover."
    suggestion = "It is tried again by itself; an administrator can reset it in the console."
    default_retry_after = 60
    fallback_available = True
    counts_as_failure = False

    def __init__(
        self,
        detail: str = "",
        *,
        name: str = "",
        state: str = "open",
        last_cause: BaseException | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail or f"circuit breaker {name or 'unnamed'} is {state}", **more)
        self.name = name
        self.state = state
        self.last_cause = last_cause


class FeatureDisabledError(CircuitBreakerOpenError):
    """A feature was switched off by a person or by its failures, and has no fallback."""

    title = "Feature switched off"
    public_message = "This feature is switched off at the moment."
    suggestion = "An administrator can switch it on in the console."


class BulkheadFullError(DashboardError):
    """As many calls to this dependency as allowed are under way already."""

    code = "RATE_LIMITED"
    status = 503
    title = "Busy"
    public_message = "Too many calls to this service are under way."
    suggestion = "Try again in a moment."
    default_retry_after = 2
    fallback_available = True
    counts_as_failure = False


class PartialDataError(DashboardError):
    """Some parts could not be had; `fallback_data` holds those that could.

    Args:
        detail: for the log.
        errors: part -> reason, shown to the client under details.
    """

    code = "PARTIAL_DATA"
    status = 503
    title = "Some data is missing"
    public_message = "Some of the data could not be loaded."
    suggestion = "What is there is shown; the rest is tried again."
    default_retry_after = 30
    fallback_available = True

    def __init__(self, detail: str = "", *, errors: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail, details=dict(errors or {}) or None, **more)
        self.errors = dict(errors or {})
