"""What has been taken back before its time: one session, everything one person holds, or a role.

An index in memory, asked with every request and event; `dashboard/accounts/revocation_log.py` keeps it over restarts
and brings in what other processes have taken back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from backend.errors import AuthenticationError
from backend.security.principals import ROLES, Principal

Kind = Literal["session", "user", "role"]
KINDS: tuple[Kind, ...] = ("session", "user", "role")
MOST_SESSIONS = 100_000
_NAMESPACE = uuid.UUID("7d3f2f2c-7a3c-4bd4-9d7e-6f1c1b0a4e55")


@dataclass(frozen=True)
class Revocation:
    """Something taken back.

    Args:
        kind: `session`: one sign-in ends. `user`: everything of a person from before ends. `role`: what a person
            holds from before has another role from now on.
        subject: the session's id, or the person's.
        at: when; only proofs made before are meant.
        role: the role that holds now, for the kind `role`.
        reason: what happened, for the log.
        expires_at: when nothing that it is about can be valid any more; None for never.
    """

    kind: Kind
    subject: str
    at: datetime
    role: str = ""
    reason: str = ""
    expires_at: datetime | None = None

    @property
    def id(self) -> str:
        """The row's id: the same for the same kind and subject, since only the newest matters."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.kind}:{self.subject}"))

    def concerns(self, principal: Principal) -> bool:
        """Tell whether it is about what this person shows."""
        if self.kind == "session":
            return principal.session_id == self.subject
        shown_at = principal.issued_at
        if self.kind == "role" and principal.role_at is not None:
            shown_at = principal.role_at
        return principal.user_id == self.subject and shown_at < self.at.timestamp()


class Revocations:
    """All revocations that still matter."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Revocation]] = {kind: {} for kind in KINDS}
        self._told: list[Callable[[Revocation], None]] = []

    def add(self, revocation: Revocation) -> bool:
        """Take one in and tell the listeners; return whether it was news."""
        if revocation.kind not in self._known or (revocation.kind == "role" and revocation.role not in ROLES):
            return False
        known = self._known[revocation.kind]
        before = known.get(revocation.subject)
        if before is not None and before.at >= revocation.at:
            return False
        known[revocation.subject] = revocation
        if revocation.kind == "session" and len(known) > MOST_SESSIONS:
            known.pop(next(iter(known)))
        for told in tuple(self._told):
            told(revocation)
        return True

    def subscribe(self, told: Callable[[Revocation], None]) -> Callable[[], None]:
        """Have `told` called with each revocation that is news; return what ends that."""
        self._told.append(told)
        return lambda: self._told.remove(told)

    def has_session(self, session_id: str) -> bool:
        """Tell whether the session was ended."""
        return session_id in self._known["session"]

    def forget(self, now: datetime) -> None:
        """Drop what can matter no more."""
        for known in self._known.values():
            for subject in [key for key, one in known.items() if one.expires_at is not None and one.expires_at < now]:
                known.pop(subject, None)

    def check(self, principal: Principal) -> None:
        """Make sure that nothing this person shows was taken back.

        Raises:
            AuthenticationError: it was.
        """
        if principal.session_id in self._known["session"]:
            raise AuthenticationError("the session was signed out")
        ended = self._known["user"].get(principal.user_id)
        if ended is not None and ended.concerns(principal):
            raise AuthenticationError(f"what this person held was taken back: {ended.reason or 'no reason given'}")

    def in_role(self, principal: Principal) -> Principal:
        """Return the principal in the role that holds now."""
        changed = self._known["role"].get(principal.user_id)
        if changed is None or changed.role == principal.role or not changed.concerns(principal):
            return principal
        if principal.at_most and not principal.reaches(changed.role):
            return principal
        return replace(principal, role=changed.role)
