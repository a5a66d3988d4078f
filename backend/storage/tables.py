"""The tables every adapter serves, and what their columns hold.

The SQL beside it (schema/) makes them; a test holds both against each other. To add a column: a new migration in
schema/, a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from backend.errors import ValidationError

Kind = Literal["text", "timestamp", "json"]
Columns = Mapping[str, Kind]

TABLES: Mapping[str, Columns] = {
    "experiments": {
        "id": "text",
        "user_id": "text",
        "name": "text",
        "description": "text",
        "experiment_type": "text",
        "status": "text",
        "parameters": "json",
        "created_at": "timestamp",
        "updated_at": "timestamp",
        "deleted_at": "timestamp",
    },
    "conversations": {
        "id": "text",
        "user_id": "text",
        "title": "text",
        "created_at": "timestamp",
        "updated_at": "timestamp",
    },
    "messages": {
        "id": "text",
        "conversation_id": "text",
        "user_id": "text",
        "role": "text",
        "content": "text",
        "client_message_id": "text",
        "status": "text",
        "created_at": "timestamp",
        "sources": "json",
    },
    "audit_log": {
        "id": "text",
        "user_id": "text",
        "action": "text",
        "target": "text",
        "details": "json",
        "created_at": "timestamp",
    },
    "accounts": {
        "id": "text",
        "role": "text",
        "status": "text",
        "password_hash": "text",
        "created_at": "timestamp",
        "updated_at": "timestamp",
        "signed_in_at": "timestamp",
    },
    "revocations": {
        "id": "text",
        "kind": "text",
        "subject": "text",
        "role": "text",
        "reason": "text",
        "created_at": "timestamp",
        "expires_at": "timestamp",
    },
    "sessions": {
        "id": "text",
        "user_id": "text",
        "sealed": "text",
        "created_at": "timestamp",
        "updated_at": "timestamp",
        "expires_at": "timestamp",
    },
    "scans": {
        "id": "text",
        "user_id": "text",
        "experiment_id": "text",
        "name": "text",
        "filename": "text",
        "format": "text",
        "tool": "text",
        "status": "text",
        "counts": "json",
        "notes": "json",
        "joined": "json",
        "error": "json",
        "created_at": "timestamp",
        "started_at": "timestamp",
        "finished_at": "timestamp",
        "updated_at": "timestamp",
    },
    "findings": {
        "id": "text",
        "scan_id": "text",
        "user_id": "text",
        "vulnerability": "text",
        "severity": "text",
        "known_exploited": "text",
        "rank": "text",
        "component": "text",
        "location": "text",
        "search": "text",
        "record": "json",
        "updated_at": "timestamp",
    },
    "watch_list": {
        "id": "text",
        "user_id": "text",
        "kind": "text",
        "term": "text",
        "note": "text",
        "created_at": "timestamp",
    },
    "alerts": {
        "id": "text",
        "user_id": "text",
        "rule": "text",
        "subject": "text",
        "status": "text",
        "severity": "text",
        "title": "text",
        "message": "text",
        "details": "json",
        "delivery": "text",
        "raised_at": "timestamp",
        "acknowledged_at": "timestamp",
        "resolved_at": "timestamp",
        "updated_at": "timestamp",
    },
}

# Rows that belong to a person: read and written with that person's token where there is one, so that row-level security
# holds. All other tables are the server's own.
OWNED = frozenset(("experiments", "conversations", "messages", "scans", "findings", "watch_list", "alerts"))


def columns_of(table: str) -> Columns:
    """Return a table's columns and what they hold.

    Raises:
        ValidationError: there is no such table.
    """
    try:
        return TABLES[table]
    except (KeyError, TypeError):
        raise ValidationError(f"there is no table {table!r}") from None


def kind_of(table: str, column: str) -> Kind:
    """Return what a column holds.

    Raises:
        ValidationError: the table has no such column.
    """
    try:
        return columns_of(table)[column]
    except (KeyError, TypeError):
        raise ValidationError(f"the table {table} has no column {column!r}") from None
