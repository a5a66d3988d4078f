"""The browser's session: a signed cookie with who, which role, until when, and the CSRF token.

A session is void when it has expired, when it or everything of its person was taken back (see `revocations.py`), when
the token it was opened with was the administrator's and has been changed since, and when the account service that it
rests on no longer stands behind it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, MutableMapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from backend.errors import AuthenticationError, ForbiddenError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.security.principals import ROLES, Principal
from backend.security.revocations import Revocation, Revocations
from backend.security.tokens import ADMINISTRATOR, Tokens


class Keeper(Protocol):
    """An account service that stands behind sessions opened with it."""

    def current(self, principal: Principal) -> Principal:
        """Return the person as the service sees them now.

        Raises:
            AuthenticationError: it no longer stands behind this session.
        """

    def access_token(self, session_id: str) -> str | None:
        """Return the token that reads and writes for the session's person."""

    def close(self, session_id: str) -> None:
        """End the session there too."""


class Sessions:
    """Opens, reads and closes sessions kept in a signed mapping (Flask's `session`).

    Args:
        tokens: checks the token that opens a session.
        seconds: how long a session is good for; never longer than its token.
        revocations: what was taken back.
        keeper: stands behind the sessions of its accounts.
    """

    def __init__(
        self,
        tokens: Tokens,
        seconds: float,
        *,
        revocations: Revocations | None = None,
        keeper: Keeper | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._tokens = tokens
        self._seconds = seconds
        self._clock = clock
        self.revocations = revocations if revocations is not None else Revocations()
        self._record: Callable[[Revocation], object] = self.revocations.add
        self.keeper = keeper

    def recorded_by(self, record: Callable[[Revocation], object]) -> None:
        """Have revocations recorded by something that also adds them here."""
        self._record = record

    def open(self, kept: MutableMapping[str, Any], token: str) -> Principal:
        """Start a session for the owner of `token`, forgetting what was kept before.

        Raises:
            AuthenticationError: the token is nobody's, or was taken back.
        """
        return self.enter(kept, self.current(self._tokens.authenticate(token)))

    def enter(self, kept: MutableMapping[str, Any], person: Principal, *, session_id: str = "") -> Principal:
        """Start a session for somebody who has proved who they are, forgetting what was kept before.

        Args:
            session_id: where the keeper of this session knows it already.
        """
        now = self._clock.now().timestamp()
        ends = now + self._seconds
        if person.expires_at is not None:
            ends = min(ends, person.expires_at)
        kept.clear()
        kept.update(
            user=person.user_id,
            role=person.role,
            ends=ends,
            at=person.issued_at or now,  # what is taken back meanwhile, here or elsewhere, is about this session too
            id=session_id or new_session_id(),
            csrf=secrets.token_urlsafe(24),
            key=self._tokens.admin_fingerprint,
        )
        if person.name:
            kept["name"] = person.name
        if session_id:
            kept["kept"] = True
        if person.at_most:
            kept["at_most"] = True
        return self.read(kept)

    def read(self, kept: MutableMapping[str, Any]) -> Principal:
        """Return whose session this is.

        Raises:
            AuthenticationError: there is none, or it is void.
        """
        user, role, ends, identity, began = (kept.get(name) for name in ("user", "role", "ends", "id", "at"))
        if not user or role not in ROLES or not isinstance(ends, int | float):
            raise AuthenticationError("nobody is signed in")
        if user == ADMINISTRATOR and kept.get("key") != self._tokens.admin_fingerprint:
            raise AuthenticationError("the administrator's token has changed")
        person = Principal(
            user,
            role,
            float(ends),
            session_id=str(identity),
            by_cookie=True,
            issued_at=float(began or 0.0),
            name=str(kept.get("name") or ""),
            at_most=bool(kept.get("at_most")),
        )
        if kept.get("kept"):
            person = self._kept(person)
        return self.current(person)

    def _kept(self, person: Principal) -> Principal:
        keeper = self.keeper
        if keeper is None:
            raise AuthenticationError("the account service of this session is not in use any more")
        return replace(person, access=lambda: keeper.access_token(person.session_id))

    def current(self, person: Principal) -> Principal:
        """Return somebody who came in before as they are now: perhaps in another role.

        Raises:
            AuthenticationError: what they came in with holds no longer.
        """
        if person.expires_at is not None and self._clock.now().timestamp() >= person.expires_at:
            raise AuthenticationError("the session has expired")
        self.revocations.check(person)
        if person.by_cookie and person.access is not None and self.keeper is not None:
            person = self.keeper.current(person)
        return self.revocations.in_role(person)

    def close(self, kept: MutableMapping[str, Any]) -> None:
        """End the session, also for copies of its cookie and for its open sockets."""
        identity, ends, rests = kept.get("id"), kept.get("ends"), kept.get("kept")
        kept.clear()
        if not identity:
            return
        until = datetime.fromtimestamp(ends, UTC) if isinstance(ends, int | float) else None
        self.end(str(identity), reason="signed out", until=until)
        if rests and self.keeper is not None:
            self.keeper.close(str(identity))

    def end(self, session_id: str, *, reason: str, until: datetime | None = None) -> None:
        """Take one session back.

        Args:
            until: when it would have ended by itself.
        """
        self._record(Revocation("session", session_id, self._clock.now(), reason=reason, expires_at=until))

    def end_all_of(self, user_id: str, *, reason: str) -> None:
        """Take back everything that a person has signed in with so far, tokens included."""
        self._record(Revocation("user", user_id, self._clock.now(), reason=reason))

    def change_role(self, user_id: str, role: str, *, reason: str) -> None:
        """Let a person go on in another role with what they have signed in with so far."""
        self._record(Revocation("role", user_id, self._clock.now(), role=role, reason=reason))

    def is_closed(self, session_id: str) -> bool:
        """Tell whether the session was signed out."""
        return self.revocations.has_session(session_id)

    def subscribe(self, told: Callable[[Revocation], None]) -> Callable[[], None]:
        """Have `told` called with everything that is taken back, here or elsewhere; return what ends that."""
        return self.revocations.subscribe(told)

    @staticmethod
    def check_csrf(kept: MutableMapping[str, Any], given: str | None) -> None:
        """Make sure that a change asked for with a cookie comes from our own page.

        Raises:
            ForbiddenError: the token is missing or wrong.
        """
        expected = str(kept.get("csrf") or "")
        if not expected or not hmac.compare_digest(expected.encode(), (given or "").encode()):
            raise ForbiddenError(
                "CSRF token missing or wrong",
                message="This page is out of date. Reload it and try again.",
            )


def new_session_id() -> str:
    """Return an id that nobody can guess."""
    return secrets.token_hex(16)
