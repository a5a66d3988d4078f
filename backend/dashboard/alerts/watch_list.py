"""What a person watches: ids of vulnerabilities, and words of vendors and products."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from backend.errors import ConflictError, NotFoundError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.resilience.events import Listeners
from backend.resilience.guard import Guard
from backend.scans.text import ids_in
from backend.schemas.alerts import WatchCreateSchema
from backend.schemas.loading import load
from backend.schemas.times import utc_iso
from backend.storage.database import Database, Row, count, rows

TABLE = "watch_list"
MOST = 500
_SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
_create = WatchCreateSchema()


class WatchList:
    """The use cases about what is watched.

    Args:
        database: where it is.
        guard: of the database.
    """

    def __init__(self, database: Database, guard: Guard, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._guard = guard
        self._clock = clock
        self.listeners = Listeners()

    def add(self, user_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Watch for something and return the entry; what is watched already is returned as it is.

        Raises:
            ValidationError: the data is wrong.
            ConflictError: the list is full.
        """
        asked = load(_create, data)
        ids = ids_in(asked["term"])
        kind, term = ("vulnerability", ids[0]) if ids else ("product", asked["term"].casefold())
        entry_id = str(uuid.uuid5(_SPACE, "\x1f".join((user_id, kind, term))))
        known = self._ask("select", filters=[{"column": "id", "value": entry_id}], limit=1)
        if known:
            return shown(known[0])
        if self._count(user_id) >= MOST:
            raise ConflictError(f"{MOST} entries are watched already")
        entry = {"id": entry_id, "user_id": user_id, "kind": kind, "term": term, "note": asked["note"]}
        entry["created_at"] = utc_iso(self._clock.now())
        self._ask("upsert", data=entry)
        self.listeners.notify(entry)
        return shown(entry)

    def list(self, user_id: str) -> dict[str, Any]:
        """Return all that a person watches, the newest first."""
        found = self._ask(
            "select",
            filters=[{"column": "user_id", "value": user_id}],
            order=[{"column": "created_at", "descending": True}, {"column": "id", "descending": True}],
            limit=MOST,
        )
        return {"watched": [shown(entry) for entry in found], "count": len(found)}

    def remove(self, user_id: str, entry_id: str) -> None:
        """Watch for it no more.

        Raises:
            NotFoundError: there is no such entry, or it is somebody else's.
        """
        filters = [{"column": "id", "value": entry_id}, {"column": "user_id", "value": user_id}]
        removed = self._ask("delete", filters=filters)
        if not removed:
            raise NotFoundError(f"there is no entry {entry_id}")
        self.listeners.notify(removed[0])

    def everybodys(self) -> Any:
        """Return the entries of all people: for the background's own work."""
        return self._ask("select", order=[{"column": "created_at"}], limit=100_000)

    def _count(self, user_id: str) -> int:
        filters = [{"column": "user_id", "value": user_id}]
        return int(self._guard.call(lambda: count(self._database.execute_query(TABLE, "count", filters=filters))))

    def _ask(self, operation: Any, **details: Any) -> Any:
        return self._guard.call(lambda: rows(self._database.execute_query(TABLE, operation, **details)))


def shown(entry: Row) -> dict[str, Any]:
    """Return an entry as it is shown."""
    return {name: entry[name] for name in ("id", "kind", "term", "note", "created_at")}
