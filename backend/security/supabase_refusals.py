"""What Supabase Auth says when it refuses, as errors of ours.

Codes: https://supabase.com/docs/guides/auth/debugging/error-codes; older versions say `error` in place of `error_code`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backend.errors import (
    AuthenticationError,
    ConflictError,
    DashboardError,
    NetworkError,
    NotFoundError,
    RateLimitedError,
    UpstreamRejectedError,
    ValidationError,
)
from backend.resilience.retry_after import parse_retry_after

_NOT_THEM = frozenset(
    (
        "invalid_credentials",
        "invalid_grant",
        "email_not_confirmed",
        "user_banned",
        "refresh_token_not_found",
        "refresh_token_already_used",
        "session_not_found",
        "session_expired",
        "bad_jwt",
    )
)
_TAKEN = frozenset(("email_exists", "user_already_exists", "conflict"))
_DOES_NOT_FIT = frozenset(("weak_password", "validation_failed", "bad_json", "email_address_invalid"))


def refusal(status: int, answer: Any, headers: Mapping[str, str]) -> DashboardError:
    """Return the error for an answer that is none of success."""
    told = answer if isinstance(answer, Mapping) else {}
    code = next((str(told[name]) for name in ("error_code", "error", "code") if isinstance(told.get(name), str)), "")
    if status == 429:
        wait = parse_retry_after(headers.get("retry-after"), datetime.now(UTC))
        return RateLimitedError("the account service is asked too often", retry_after=wait or 60)
    if code in _NOT_THEM:
        return AuthenticationError(f"the account service refuses: {code}")
    if code in _TAKEN:
        return ConflictError("there is an account of that e-mail already")
    if code == "user_not_found":
        return NotFoundError("there is no such account")
    if code in _DOES_NOT_FIT or (status == 422 and told):
        text = str(told.get("msg") or told.get("message") or "The account service does not take this.")[:300]
        return ValidationError(f"the account service refuses: {code}", message=text, details={"account": [text]})
    if 400 <= status < 500 and told:
        return UpstreamRejectedError(
            f"the account service refuses our request: {status} {code}", upstream_status=status
        )
    return NetworkError(f"the account service answered with status {status}", upstream_status=status)
