"""Neighbours in the outbox that can be written in one go: new rows of one table with the same columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.storage.outbox.entries import Entry

MAX_ROWS = 100
MAX_CHARACTERS = 500_000


def groups(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries in their order, those together that may be written together; never one record twice."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        length = len(entry.write.request())
        if group and not (_fits(group, entry) and size + length <= MAX_CHARACTERS):
            yield group
            group, size = [], 0
        group.append(entry)
        size += length
    if group:
        yield group


def _fits(group: Sequence[Entry], entry: Entry) -> bool:
    first, one = group[0].write, entry.write
    if one.operation not in {"insert", "upsert"} or len(group) >= MAX_ROWS:
        return False
    alike = (first.table, first.operation, set(first.data or ())) == (one.table, one.operation, set(one.data or ()))
    # What has failed before is tried alone: it may be the one that spoils it for the others.
    untried = not (group[0].attempts or entry.attempts)
    return alike and untried and all(one.record_id != other.write.record_id for other in group)
