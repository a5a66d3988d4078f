"""What the fleet needs of the server that its workers share: questions in batches, and messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]


class ServerAwayError(Exception):
    """The server does not answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question.

    `noun` is breaker, budget or board, `name` the one of its kind, `done` gets the reply. A request that the server
    refuses gets none.
    """

    noun: str
    name: str
    operation: str
    args: Json
    done: Callable[[Json], None]


class Subscription(Protocol):
    """The messages of the fleet, from the moment it was made."""

    def next(self, timeout: float) -> Json | None:
        """Return the next message, None where none arrives within `timeout` seconds.

        Raises:
            ServerAwayError: the connection is gone.
        """

    def close(self) -> None:
        """End it."""


class FleetServer(Protocol):
    """The server. Its replies carry `now`, its own time in milliseconds since the epoch."""

    def ask(self, requests: Sequence[Request]) -> list[Json | None]:
        """Put all questions in one exchange and return the replies in order, None for one that was refused.

        Raises:
            ServerAwayError: no reply; what was asked may or may not have been carried out.
        """

    def subscribe(self) -> Subscription:
        """Begin to listen.

        Raises:
            ServerAwayError: it does not answer.
        """

    def audit(self, limit: int) -> list[Json]:
        """Return the decisions of people, newest first.

        Raises:
            ServerAwayError: it does not answer.
        """

    def close(self) -> None:
        """Give all connections back."""
