"""Accounts with Supabase Auth: the role is in app_metadata, which only the server's key can write."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backend.dashboard.accounts.sign_in import WRONG, Proved
from backend.dashboard.accounts.store import Account, checked_role, no_such
from backend.dashboard.accounts.supabase_sessions import SupabaseSessions
from backend.errors import AuthenticationError, ValidationError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.times import parse_utc
from backend.security.access_tokens import AccessTokens
from backend.security.attempts import Attempts
from backend.security.principals import ROLES
from backend.security.supabase_auth import PAGE, SupabaseAuth

MOST_PAGES = 50
FOR_EVER = "876000h"  # a hundred years
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")


Accounts = list[Account]  # in the class, `list` is the store's


class SupabaseAccounts:
    """An AccountStore with Supabase Auth; an account's name is its e-mail."""

    kind = "supabase"

    def __init__(self, auth: SupabaseAuth, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._auth = auth
        self._clock = clock

    def list(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        found: Accounts = []
        for page in range(1, MOST_PAGES + 1):
            users = self._auth.users(page)
            found += [self._account(user) for user in users]
            if len(users) < PAGE:
                break
        return sorted(found, key=lambda account: account.name)

    def get(self, identity: str) -> Account:
        """Return one account by its id or its e-mail."""
        wanted = identity.strip().casefold()
        if _UUID.fullmatch(wanted):
            return self._account(self._auth.user(wanted))
        for account in self.list():
            if account.name == wanted:
                return account
        raise no_such(identity)

    def add(self, name: str, role: str, password: str) -> Account:
        """Make an account; see AccountStore. Its e-mail counts as confirmed: an administrator has given it."""
        email = name.strip().casefold()
        if not _EMAIL.fullmatch(email):
            wrong = "With Supabase a name is an e-mail address."
            raise ValidationError(wrong, message=wrong, details={"name": [wrong]})
        metadata = {"role": checked_role(role)}
        values = {"email": email, "password": password, "email_confirm": True, "app_metadata": metadata}
        return self._account(self._auth.add_user(values))

    def set_role(self, identity: str, role: str) -> Account:
        """Give an account another role."""
        return self._change(identity, {"app_metadata": {"role": checked_role(role)}})

    def set_status(self, identity: str, status: str) -> Account:
        """Disable an account, or make it active again."""
        return self._change(identity, {"ban_duration": FOR_EVER if status == "disabled" else "none"})

    def set_password(self, identity: str, password: str) -> Account:
        """Give an account another password."""
        return self._change(identity, {"password": password})

    def _change(self, identity: str, values: Mapping[str, Any]) -> Account:
        return self._account(self._auth.change_user(self.get(identity).id, values))

    def _account(self, user: Mapping[str, Any]) -> Account:
        metadata = user.get("app_metadata")
        role = metadata.get("role") if isinstance(metadata, Mapping) else None
        return Account(
            str(user.get("id") or ""),
            str(user.get("email") or user.get("phone") or user.get("id") or "").casefold(),
            role if role in ROLES else "",
            "disabled" if self._is_banned(user.get("banned_until")) else "active",
            created_at=_text(user.get("created_at")),
            updated_at=_text(user.get("updated_at")),
            signed_in_at=_text(user.get("last_sign_in_at")),
        )

    def _is_banned(self, until: Any) -> bool:
        try:
            return bool(until) and parse_utc(until) > self._clock.now()
        except (ValueError, TypeError):
            return False


class SupabaseSignIn:
    """Signs in with Supabase Auth.

    Args:
        auth: the account service.
        tokens: checks what it gives.
        sessions: keep it.
        attempts: are counted for each account.
    """

    kind = "supabase"

    def __init__(
        self,
        auth: SupabaseAuth,
        tokens: AccessTokens,
        sessions: SupabaseSessions,
        attempts: Attempts,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._auth = auth
        self._tokens = tokens
        self._sessions = sessions
        self._attempts = attempts

    def prove(self, name: str, password: str) -> Proved:
        """Return who it is; see SignIn."""
        email = name.strip().casefold()
        self._attempts.count(email)
        asked_at = self._clock.now().timestamp()  # by this clock, which says when things are taken back
        try:
            grant = self._auth.sign_in(email, password)
        except AuthenticationError as error:
            raise AuthenticationError(str(error), message=WRONG) from None
        person = self._tokens.authenticate(grant.access)
        self._attempts.succeeded(email)
        session_id = self._sessions.begin(grant, person)
        # the session outlives the access token it begins with: that is renewed
        return Proved(replace(person, expires_at=None, access=None, issued_at=asked_at), session_id)


def _text(value: Any) -> str | None:
    return str(value) if value else None
