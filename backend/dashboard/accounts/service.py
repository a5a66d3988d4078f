"""Accounts as administrators handle them, and one's own password.

What takes something away from a person holds at once for what they have signed in with already, in every process.
"""

from __future__ import annotations

import secrets
from typing import Any, Protocol

from backend.dashboard.accounts.store import AccountStore, checked_role
from backend.errors import ConflictError, DashboardError, ForbiddenError, NotFoundError
from backend.security.passwords import checked as checked_password

MADE_BYTES = 15  # 20 characters


class Noting(Protocol):
    """What keeps who did what."""

    def note(self, user_id: str, action: str, target: str, **details: Any) -> None:
        """Note an act."""


class Ending(Protocol):
    """What takes back what people have signed in with."""

    def end_all_of(self, user_id: str, *, reason: str) -> None:
        """End everything of a person."""

    def change_role(self, user_id: str, role: str, *, reason: str) -> None:
        """Let a person go on in another role."""


class AccountService:
    """Lists and changes accounts.

    Args:
        store: keeps them.
        sessions: is told what holds no longer.
        audit: notes who did it.
    """

    def __init__(self, store: AccountStore, sessions: Ending, audit: Noting) -> None:
        self._store = store
        self._sessions = sessions
        self._audit = audit
        self._any = False

    @property
    def kind(self) -> str:
        """Where accounts are kept: local or supabase."""
        return self._store.kind

    def any(self) -> bool:
        """Tell whether anybody has an account; where that cannot be told now, somebody may have."""
        if not self._any:
            try:
                self._any = self._store.kind != "local" or bool(self._store.list())
            except DashboardError:
                return True
        return self._any

    def has(self, identity: str) -> bool:
        """Tell whether there is such an account.

        Raises:
            DashboardError: it cannot be told at the moment.
        """
        try:
            return self._store.get(identity).id == identity
        except NotFoundError:
            return False

    def list(self) -> dict[str, Any]:
        """Return all accounts."""
        found = [account.shown() for account in self._store.list()]
        return {"accounts": found, "total": len(found), "kind": self._store.kind}

    def add(self, name: str, role: str, password: str | None = None, *, by: str) -> dict[str, Any]:
        """Make an account; without a password one is made and returned, this once.

        Raises:
            ConflictError: there is one of that name.
            ValidationError: name, role or password do not fit.
        """
        given = checked_password(password) if password is not None else secrets.token_urlsafe(MADE_BYTES)
        try:
            made = self._store.add(name, checked_role(role), given)
        except ConflictError as error:
            text = "There is an account of that name already."
            raise ConflictError(str(error), message=text, details={"name": [text]}) from None
        self._audit.note(by, "add_account", made.id, name=made.name, role=role)
        return made.shown() | ({"password": given} if password is None else {})

    def change(self, identity: str, *, role: str | None = None, status: str | None = None, by: str) -> dict[str, Any]:
        """Give an account another role, disable it or make it active again.

        Raises:
            NotFoundError: there is no such account.
            ConflictError: it is the account of whoever asks.
        """
        account = self._store.get(identity)
        if by == account.id:
            text = "Nobody changes their own role or status; ask another administrator."
            raise ConflictError(text, message=text)
        if role is not None and role != account.role:
            account = self._store.set_role(account.id, checked_role(role))
            self._sessions.change_role(account.id, role, reason=f"role changed by {by}")
            self._audit.note(by, "change_role", account.id, role=role)
        if status is not None and status != account.status:
            account = self._store.set_status(account.id, status)
            if status == "disabled":
                self._sessions.end_all_of(account.id, reason=f"disabled by {by}")
            self._audit.note(by, "disable_account" if status == "disabled" else "enable_account", account.id)
        return account.shown()

    def set_password(self, identity: str, password: str | None = None, *, by: str) -> dict[str, Any]:
        """Give an account another password; without one it is made and returned, this once.

        Raises:
            NotFoundError: there is no such account.
            ValidationError: the password does not fit.
        """
        given = checked_password(password) if password is not None else secrets.token_urlsafe(MADE_BYTES)
        account = self._store.set_password(self._store.get(identity).id, given)
        self._sessions.end_all_of(account.id, reason=f"password set by {by}")
        self._audit.note(by, "set_password", account.id)
        return account.shown() | ({"password": given} if password is None else {})

    def change_own_password(self, person: str, proof: bool, password: str) -> None:
        """Give somebody the new password they chose; everything they have signed in with ends, this session too.

        Args:
            proof: whether they have just shown the old one.

        Raises:
            ForbiddenError: they have not.
            ValidationError: the new one does not fit.
        """
        if not proof:
            raise ForbiddenError("the old password is wrong", message="The present password is not right.")
        account = self._store.set_password(person, checked_password(password))
        self._sessions.end_all_of(account.id, reason="password changed")
        self._audit.note(account.id, "change_own_password", account.id)
