"""Signing in with name and password."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from backend.dashboard.accounts.local import LocalAccounts
from backend.errors import AuthenticationError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.security.attempts import Attempts
from backend.security.principals import Principal

WRONG = "Name or password is not right."

logger = logging.getLogger("jupiter.security")


@dataclass(frozen=True)
class Proved:
    """Somebody who has proved who they are.

    Args:
        person: who it is.
        session_id: of the session that an account service keeps for them; empty where nobody keeps one.
    """

    person: Principal
    session_id: str = ""


class SignIn(Protocol):
    """Takes name and password. `kind` is `local` or `supabase`."""

    kind: str

    def prove(self, name: str, password: str) -> Proved:
        """Return who it is.

        Raises:
            AuthenticationError: name and password do not belong together.
            RateLimitedError: too many attempts on this account.
            DashboardError: it cannot be told at the moment; `retry_after` says when to come back.
        """


class LocalSignIn:
    """Signs in with Jupiter's own accounts.

    Args:
        accounts: know the passwords.
        attempts: are counted for each account.
    """

    kind = "local"

    def __init__(self, accounts: LocalAccounts, attempts: Attempts, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._accounts = accounts
        self._attempts = attempts
        self._clock = clock

    def prove(self, name: str, password: str) -> Proved:
        """Return who it is; see SignIn."""
        self._attempts.count(name.strip())
        asked_at = self._clock.now().timestamp()  # what changes while the password is looked at holds for this one too
        account = self._accounts.proved(name, password)
        if account is None:
            raise AuthenticationError("wrong name or password", message=WRONG)
        self._attempts.succeeded(name.strip())
        return Proved(Principal(account.id, account.role, issued_at=asked_at, name=account.name))
