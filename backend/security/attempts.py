"""Sign-in attempts, limited for each account besides the limit for each address.

Counted before the password is looked at, so that attempts at the same moment count too; a success forgets the count.
"""

from __future__ import annotations

import hashlib

from backend.security.limits import RateLimiter

LIMIT = "account_logins"


class Attempts:
    """Counts attempts on accounts.

    Args:
        limiter: has the limit `account_logins`.
    """

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter

    def count(self, account: str) -> None:
        """Count one attempt.

        Raises:
            RateLimitedError: too many on this account, whoever made them.
        """
        self._limiter.check(LIMIT, _key(account))

    def succeeded(self, account: str) -> None:
        """Forget the attempts on an account whose owner is in."""
        self._limiter.clear(LIMIT, _key(account))


def _key(account: str) -> str:
    """What somebody types as a name may be long, or their password: neither is kept or logged."""
    return hashlib.sha256(account.casefold().encode("utf-8", "replace")).hexdigest()[:24]
