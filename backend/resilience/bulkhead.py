"""The bulkhead: as many calls at once as allowed, so that a dependency that hangs cannot take all workers with it."""

from __future__ import annotations

from collections import deque

from backend.errors import BulkheadFullError


class Bulkhead:
    """A fixed number of places.

    The free places lie in a deque: `pop` and `append` are atomic under threads and cost less than a lock.

    Args:
        places: calls at once.
        name: for the error.

    Raises:
        ValueError: there is not even one place.
    """

    __slots__ = ("_free", "name", "places")

    def __init__(self, places: int, name: str = "") -> None:
        if places < 1:
            raise ValueError(f"a bulkhead needs at least one place, not {places}")
        self.places = places
        self.name = name
        self._free: deque[None] = deque([None] * places)

    def enter(self) -> None:
        """Take a place; `leave` gives it back.

        Raises:
            BulkheadFullError: all are taken.
        """
        try:
            self._free.pop()
        except IndexError:
            raise BulkheadFullError(f"{self.name}: all {self.places} places are taken") from None

    def leave(self) -> None:
        """Give a place back."""
        self._free.append(None)

    @property
    def taken(self) -> int:
        """Return how many places are taken."""
        return self.places - len(self._free)
