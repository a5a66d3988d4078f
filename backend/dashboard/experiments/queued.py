"""Experiments as they will be when the outbox is done: what is read, with what waits laid over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from backend.cache.service import CacheService
from backend.errors import DashboardError
from backend.schemas.rows import ExperimentRows
from backend.storage.database import Row
from backend.storage.outbox.entries import Entry, Write

TABLE = "experiments"
AWAY = "The database is away. What is shown is kept from before, with your changes since."


def summary_key(user_id: str) -> str:
    """Return the cache's key of a person's summary."""
    return f"summary:{user_id}"


class Waiting(Protocol):
    """The part of the outbox that is read here."""

    def of_owner(self, table: str, owner: str | None, limit: int = 500) -> list[Entry]:
        """Return what waits of one person, or of everybody."""

    def of_record(self, table: str, record_id: str) -> list[Entry]:
        """Return what waits about one record."""


class QueuedExperiments:
    """What waits, and what is still known, while the database is away.

    Args:
        waiting: the outbox; None for none.
        cache: has the newest experiments of each person's last summary.
        rows: checks rows.
    """

    def __init__(self, waiting: Waiting | None, cache: CacheService | None, rows: ExperimentRows) -> None:
        self._waiting = waiting
        self._cache = cache
        self._rows = rows

    def of_owner(self, user_id: str, all_users: bool) -> list[Entry]:
        """Return what waits of one person or of everybody; nothing where the outbox cannot be read."""
        return self._read(lambda waiting: waiting.of_owner(TABLE, None if all_users else user_id))

    def of_record(self, experiment_id: str) -> list[Entry]:
        """Return what waits about one experiment."""
        return self._read(lambda waiting: waiting.of_record(TABLE, experiment_id))

    def age(self, user_id: str) -> dict[str, str]:
        """Return {as_of} of what is kept of a person's, nothing where that is nothing."""
        summary = (self._cache.get_stale(summary_key(user_id)) if self._cache is not None else None) or {}
        return {"as_of": summary["timestamp"]} if "timestamp" in summary else {}

    def kept(self, user_id: str) -> list[Row]:
        """Return the newest experiments of a person's last summary, however old that is."""
        if self._cache is None:
            return []
        summary = self._cache.get_stale(summary_key(user_id)) or {}
        valid, _ = self._rows.check(summary.get("experiments", ()))
        return valid

    def _read(self, ask: Any) -> list[Entry]:
        if self._waiting is None:
            return []
        try:
            found: list[Entry] = ask(self._waiting)
        except DashboardError:
            return []  # said where it is written; a list without its newest rows is better than none
        return found


def overlay(found: Iterable[Row], entries: Sequence[Entry]) -> list[Row]:
    """Return rows as they will be after the entries; those that an entry touches are marked `queued`."""
    known = {row["id"]: row for row in found}
    for entry in entries:
        one = entry.write
        present = known.get(one.record_id)
        if one.operation in {"insert", "upsert"}:
            if one.data and (present is None or present.get("user_id") == one.owner):
                known[one.record_id] = (present or {}) | one.data | {"queued": True}
        elif present is not None and _finds(one, present):
            if one.operation == "update":
                known[one.record_id] = present | (one.data or {}) | {"queued": True}
            else:
                del known[one.record_id]
    return list(known.values())


def _finds(one: Write, row: Row) -> bool:
    """Whether the write is about this row: not if it names another owner, or nothing because it is damaged."""
    return bool(one.filters) and all(
        row.get(condition["column"]) == condition["value"]
        for condition in one.filters
        if "column" in condition and condition.get("operator", "eq") == "eq"
    )
