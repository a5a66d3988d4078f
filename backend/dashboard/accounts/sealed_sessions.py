"""What an account service gave for sessions, in the table sessions: sealed, a copy of the table opens nothing."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from backend.errors import AuthenticationError, DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.guard import Guard
from backend.security.sealed import Sealer
from backend.security.supabase_auth import Grant
from backend.storage.database import Database, Row, rows

logger = logging.getLogger("jupiter.security")


class SealedSessions:
    """Reads and writes the table sessions.

    Args:
        database: where it is.
        guard: calls it.
        sealer: seals.
    """

    def __init__(self, database: Database, guard: Guard, sealer: Sealer, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._guard = guard
        self._sealer = sealer
        self._clock = clock

    def write(self, session_id: str, user_id: str, grant: Grant, *, until: datetime) -> None:
        """Keep a new session; where that fails it is known to this process only, until it ends."""
        now = self._clock.now()
        row = {
            "id": session_id,
            "user_id": user_id,
            "sealed": self._sealed(grant),
            "created_at": now,
            "updated_at": now,
            "expires_at": until,
        }
        self._try("insert", data=row)

    def rewrite(self, session_id: str, grant: Grant) -> None:
        """Keep what a session has got anew."""
        changes = {"sealed": self._sealed(grant), "updated_at": self._clock.now()}
        self._try("update", filters=_is(session_id), data=changes)

    def delete(self, session_id: str) -> None:
        """Forget a session."""
        self._try("delete", filters=_is(session_id))

    def read(self, session_id: str) -> tuple[str, Grant]:
        """Return whose session it is and what it holds.

        Raises:
            AuthenticationError: there is none, or it cannot be opened any more.
            DashboardError: it cannot be told at the moment.
        """
        found = self._query("select", filters=_is(session_id), limit=1)
        grant = self._opened(found[0]["sealed"]) if found else None
        if grant is None:
            raise AuthenticationError("the session is not known any more")
        return str(found[0]["user_id"]), grant

    def read_or_none(self, session_id: str) -> Grant | None:
        """Return what a session holds, None where that cannot be told."""
        try:
            return self.read(session_id)[1]
        except DashboardError:
            return None

    def _sealed(self, grant: Grant) -> str:
        return self._sealer.seal([grant.access, grant.refresh])

    def _opened(self, sealed: Any) -> Grant | None:
        pair = self._sealer.open(str(sealed))
        return Grant(*map(str, pair)) if isinstance(pair, list) and len(pair) == 2 else None

    def _try(self, operation: Any, **asked: Any) -> None:
        try:
            self._query(operation, **asked)
        except DashboardError as error:
            logger.warning("⚠️ A session is not kept over a restart: %s", error)

    def _query(self, operation: Any, **asked: Any) -> list[Row]:
        found: list[Row] = self._guard.call(lambda: rows(self._database.execute_query("sessions", operation, **asked)))
        return found


def _is(session_id: str) -> list[dict[str, Any]]:
    return [{"column": "id", "value": session_id}]
