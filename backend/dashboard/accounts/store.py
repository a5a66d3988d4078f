"""Where accounts are kept: in Jupiter's own database, or with Supabase Auth. One protocol, one contract suite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backend.errors import NotFoundError, ValidationError
from backend.security.principals import ROLES
from backend.security.tokens import ADMINISTRATOR

LONGEST_NAME = 64
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in.

    Args:
        id: what their records are kept under.
        name: what they type to sign in.
        role: viewer, analyst or administrator; empty for one who has none here yet and may not come in.
        status: active or disabled.
        created_at, updated_at, signed_in_at: ISO 8601 UTC; None where it never was or nobody knows.
    """

    id: str
    name: str
    role: str
    status: str
    created_at: str | None = None
    updated_at: str | None = None
    signed_in_at: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return what administrators see."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role,
            "status": self.status,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "signed_in_at": self.signed_in_at,
        }


class AccountStore(Protocol):
    """Keeps accounts.

    All raise DatabaseError or NetworkError where it does not answer, and NotFoundError for an account it does not have.
    `kind` is `local` or `supabase`.
    """

    kind: str

    def list(self) -> Sequence[Account]:
        """Return all accounts, by name."""

    def get(self, identity: str) -> Account:
        """Return one account by its id or its name."""

    def add(self, name: str, role: str, password: str) -> Account:
        """Make an account.

        Raises:
            ConflictError: there is one of that name.
            ValidationError: name, role or password do not fit.
        """

    def set_role(self, identity: str, role: str) -> Account:
        """Give an account another role."""

    def set_status(self, identity: str, status: str) -> Account:
        """Disable an account, or make it active again."""

    def set_password(self, identity: str, password: str) -> Account:
        """Give an account another password."""


def checked_name(name: str) -> str:
    """Return a name as it is kept: in lower case.

    Raises:
        ValidationError: it does not fit, or is reserved.
    """
    kept = name.strip().casefold()
    if not _NAME.fullmatch(kept):
        raise _wrong("name", f"A name has 1 to {LONGEST_NAME} of the characters a-z, 0-9 and . _ @ + -")
    if kept == ADMINISTRATOR:
        raise _wrong("name", f"The name {ADMINISTRATOR} belongs to the administrator's token.")
    return kept


def checked_role(role: str) -> str:
    """Return a role that there is.

    Raises:
        ValidationError: there is no such role.
    """
    if role not in ROLES:
        raise _wrong("role", f"A role is one of {', '.join(ROLES)}.")
    return role


def no_such(identity: str) -> NotFoundError:
    """Return the error for an account that there is not."""
    return NotFoundError(f"there is no account {identity[:LONGEST_NAME]!r}")


def _wrong(field: str, text: str) -> ValidationError:
    return ValidationError(text, message=text, details={field: [text]})
