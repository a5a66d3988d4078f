"""Sessions that Supabase stands behind: their tokens, renewed before they end, and kept sealed over restarts.

The browser only has Jupiter's own cookie. A refresh token is good once, so one process renews at a time and looks first
whether another has done so. While the account service is away people go on until their access token ends.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from backend import runtime
from backend.dashboard.accounts.sealed_sessions import SealedSessions
from backend.errors import AuthenticationError, DashboardError, ForbiddenError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.security.access_tokens import AccessTokens
from backend.security.principals import Principal
from backend.security.sessions import new_session_id
from backend.security.supabase_auth import Grant, SupabaseAuth

LONGEST_MARGIN = 300.0  # seconds before the end of a token from which on it is renewed
TRY_AGAIN = 10.0
MOST_HELD = 10_000
AWAY = "Your sign-in has ended and cannot be renewed: the account service does not answer. It is tried again."

logger = logging.getLogger("jupiter.security")


@dataclass
class Held:
    """One session in memory."""

    grant: Grant
    person: Principal
    renewing: threading.Lock = field(default_factory=threading.Lock)
    try_at: float = 0.0

    def put(self, grant: Grant, person: Principal) -> None:
        """Take what is newer."""
        self.grant, self.person = grant, person


class SupabaseSessions:
    """A Keeper of sessions; see `security/sessions.py`.

    Args:
        auth: the account service.
        tokens: checks what it gives.
        kept: where sessions are kept over restarts.
        seconds: how long a session is good for.
        ended: told of a session that the service no longer stands behind, and why.
    """

    def __init__(
        self,
        auth: SupabaseAuth,
        tokens: AccessTokens,
        kept: SealedSessions,
        *,
        seconds: float,
        ended: Callable[[str, str], None],
        clock: Clock = SYSTEM_CLOCK,
        spawn: Callable[..., Any] = runtime.spawn,
    ) -> None:
        self._auth = auth
        self._tokens = tokens
        self._kept = kept
        self._seconds = seconds
        self._ended = ended
        self._clock = clock
        self._spawn = spawn
        self._held: OrderedDict[str, Held] = OrderedDict()

    def begin(self, grant: Grant, person: Principal) -> str:
        """Keep a new session and return its id."""
        session_id = new_session_id()
        self._hold(session_id, Held(grant, person))
        until = datetime.fromtimestamp(self._now() + self._seconds, UTC)
        self._kept.write(session_id, person.user_id, grant, until=until)
        return session_id

    def current(self, principal: Principal) -> Principal:
        """Return the person as the service sees them now; see Keeper."""
        held = self._find(principal.session_id)
        self._look_after(principal.session_id, held)
        now = held.person
        return replace(principal, role=now.role, role_at=now.issued_at, name=now.name or principal.name)

    def access_token(self, session_id: str) -> str | None:
        """Return the token that reads and writes for the session's person."""
        held = self._find(session_id)
        self._look_after(session_id, held)
        return held.grant.access

    def close(self, session_id: str) -> None:
        """End the session there too, beside the request."""
        held = self._held.pop(session_id, None)
        self._spawn(self._forget, session_id, held)

    def _look_after(self, session_id: str, held: Held) -> None:
        """Renew the token beside the request where its end is near, or before anything else where it has ended."""
        now, ends = self._now(), held.person.expires_at or 0.0
        if now >= ends:
            self._renew(session_id, held)
        elif now >= ends - _margin(held.person) and now >= held.try_at and not held.renewing.locked():
            held.try_at = now + TRY_AGAIN
            self._spawn(self._renew_beside, session_id, held)

    def _renew_beside(self, session_id: str, held: Held) -> None:
        try:
            self._renew(session_id, held, early=True)
        except DashboardError as error:
            logger.info("⚠️ A sign-in is not renewed yet: %s", error, extra={"user": held.person.user_id})

    def _renew(self, session_id: str, held: Held, *, early: bool = False) -> None:
        seen = held.grant
        with held.renewing:
            if held.grant is not seen or (self._adopt(session_id, held) and held.grant is not seen):
                return
            try:
                grant = self._auth.renew(held.grant.refresh)
                self._kept.rewrite(session_id, grant)  # before anything else can fail: the old one is good no more
                person = self._tokens.authenticate(grant.access)
                if person.user_id != held.person.user_id:
                    raise AuthenticationError("the renewed token is somebody else's")
            except (AuthenticationError, ForbiddenError) as error:
                if self._adopt(session_id, held):
                    return  # another process has renewed it at the same moment
                self._end(session_id, str(error))
                raise
            except DashboardError as error:
                if early:
                    raise
                raise AuthenticationError(f"cannot be renewed: {error}", message=AWAY, retry_after=TRY_AGAIN) from None
            held.put(grant, person)

    def _adopt(self, session_id: str, held: Held) -> bool:
        """Take what another process has kept, where that is newer and still good."""
        grant = self._kept.read_or_none(session_id)
        if grant is None or grant.access == held.grant.access:
            return False
        try:
            person = self._tokens.authenticate(grant.access)
        except DashboardError:
            return False
        if person.user_id != held.person.user_id or (person.expires_at or 0) <= (held.person.expires_at or 0):
            return False
        held.put(grant, person)
        return True

    def _end(self, session_id: str, why: str) -> None:
        self._held.pop(session_id, None)
        self._ended(session_id, why)
        self._spawn(self._kept.delete, session_id)

    def _find(self, session_id: str) -> Held:
        held = self._held.get(session_id)
        if held is None:
            loaded = self._load(session_id)
            held = self._held.get(session_id, loaded)  # who has loaded it meanwhile may be renewing it already
            self._hold(session_id, held)
        with suppress(KeyError):  # closed meanwhile
            self._held.move_to_end(session_id)
        return held

    def _load(self, session_id: str) -> Held:
        """Read a session that this process does not know: it was restarted, or another one has begun it."""
        user_id, grant = self._kept.read(session_id)
        try:
            person = self._tokens.authenticate(grant.access)
        except AuthenticationError:  # has ended, but may be renewed
            person = Principal(user_id, "viewer", 0.0, session_id=session_id)
        return Held(grant, person)

    def _hold(self, session_id: str, held: Held) -> None:
        self._held[session_id] = held
        while len(self._held) > MOST_HELD:
            self._held.popitem(last=False)

    def _forget(self, session_id: str, held: Held | None) -> None:
        self._kept.delete(session_id)
        if held is None:
            return
        try:
            self._auth.sign_out(held.grant.access)
        except DashboardError as error:
            logger.info("⚠️ Signed out here; the account service was not told: %s", error)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _margin(person: Principal) -> float:
    """How long before its end a token is renewed: a quarter of its life, five minutes at most."""
    life = (person.expires_at or 0.0) - person.issued_at
    return min(LONGEST_MARGIN, max(1.0, life / 4))
