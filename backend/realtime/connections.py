"""The open sockets: who is behind each, and whether it keeps up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backend.errors import AuthenticationError, RateLimitedError
from backend.security.principals import Principal

MOST_PER_USER = 64
MOST_EVENTS_AT_ONCE = 16


@dataclass
class Connection:
    """One open socket.

    `held` keeps, by stream, the newest event that was not sent because the client does not keep up.
    """

    sid: str
    principal: Principal
    busy: int = 0
    held: dict[str, tuple[str, Any]] = field(default_factory=dict)
    behind_since: float | None = None

    def begin(self) -> None:
        """Count an event that begins.

        Raises:
            RateLimitedError: as many as allowed are under way.
        """
        if self.busy >= MOST_EVENTS_AT_ONCE:
            raise RateLimitedError("too many events at once on one socket")
        self.busy += 1

    def end(self) -> None:
        """Count an event that has ended."""
        self.busy -= 1


class Connections:
    """All open sockets of this process by their id."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Connection] = {}

    def add(self, sid: str, principal: Principal) -> Connection:
        """Keep a new socket.

        Raises:
            RateLimitedError: this person has too many open already.
        """
        if sum(1 for known in self if known.principal.user_id == principal.user_id) >= MOST_PER_USER:
            raise RateLimitedError(
                "too many sockets of one user", message="Too many windows of this dashboard are open.", retry_after=10
            )
        connection = self._by_sid[sid] = Connection(sid, principal)
        return connection

    def remove(self, sid: str) -> None:
        """Forget a socket that was closed."""
        self._by_sid.pop(sid, None)

    def get(self, sid: str) -> Connection:
        """Return a socket.

        Raises:
            AuthenticationError: it never signed in.
        """
        if sid not in self._by_sid:
            raise AuthenticationError("this socket is not signed in")
        return self._by_sid[sid]

    def of_session(self, session_id: str) -> list[Connection]:
        """Return the sockets that were opened under one login."""
        return [known for known in self if known.principal.session_id == session_id]

    def __contains__(self, sid: object) -> bool:
        return sid in self._by_sid

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._by_sid.values()))

    def __len__(self) -> int:
        return len(self._by_sid)
