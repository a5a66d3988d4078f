"""The ledger of a panel: one line for each source, as REST and sockets show it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

SOURCE_STATES = ("live", "stale", "error", "loading", "not_configured", "disabled")


class SourceEntrySchema(Schema):
    """One source: how fresh what it gave is, when it is asked next, and why it has nothing."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(SOURCE_STATES))
    as_of = fields.String(
        required=True, allow_none=True, metadata={"description": "When its data was last confirmed, ISO 8601 UTC."}
    )
    via = fields.String(metadata={"description": "The way it came, where that was not the source's own: its mirror."})
    records = fields.Integer(required=True, metadata={"description": "Records of it that are shown."})
    next_try = fields.String(required=True, allow_none=True, metadata={"description": "ISO 8601 UTC."})
    circuit_breaker = fields.String(required=True)
    error = fields.String(metadata={"description": "What went wrong at the last try, for a person."})
    suggestion = fields.String(metadata={"description": "What can be done about it."})
