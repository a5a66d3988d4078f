"""Who is asking, and what the role allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.errors import AuthenticationError, ForbiddenError

ROLES = ("viewer", "analyst", "administrator")


@dataclass(frozen=True)
class Principal:
    """A person or program that has proved who it is.

    Args:
        user_id: stable id; what people own is kept under it.
        role: viewer reads, analyst also writes, administrator also operates.
        expires_at: seconds since 1970 after which this proof is void; None for one that does not expire.
        session_id: the login this belongs to, so that a logout can end it everywhere.
        by_cookie: whether it came in a cookie, which a foreign page could make the browser send.
        issued_at: seconds since 1970 when this proof was made; a later change of the account voids it.
        role_at: when it was said that this is the role, where that is later than `issued_at`.
        name: what to call them, where the id is not for reading.
        at_most: whether the role was chosen for this proof, which the person's own role can lower but never raise.
        access: returns the Supabase access token that reads and writes for them at this moment; None for the server.
    """

    user_id: str
    role: str
    expires_at: float | None = None
    session_id: str = ""
    by_cookie: bool = False
    issued_at: float = 0.0
    role_at: float | None = None
    name: str = ""
    at_most: bool = False
    access: Callable[[], str | None] | None = field(default=None, repr=False, compare=False)

    def check(self, role: str, now: float) -> None:
        """Make sure that this proof still holds and reaches `role`.

        Args:
            role: the least role that is needed.
            now: seconds since 1970.

        Raises:
            AuthenticationError: the proof has expired.
            ForbiddenError: the role is too low.
        """
        if self.expires_at is not None and now >= self.expires_at:
            raise AuthenticationError("the token or session has expired")
        if not self.reaches(role):
            raise ForbiddenError(f"needs the role {role}", message=f"This needs the role {role}; yours is {self.role}.")

    def reaches(self, role: str) -> bool:
        """Tell whether this role includes `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)
