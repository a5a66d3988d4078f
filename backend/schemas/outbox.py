"""The outbox as the console shows it: what waits and what was set aside, never the values in it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

STATES = ("pending", "set_aside")


class OutboxQuerySchema(Schema):
    """Which entries to list."""

    state = fields.String(validate=validate.OneOf(STATES))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.Integer(load_default=0, validate=validate.Range(0, 2**53), metadata={"description": "next_cursor."})


class OutboxEntrySchema(Schema):
    """A write that waits, or that the database has refused."""

    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    table = fields.String(required=True)
    operation = fields.String(required=True)
    record_id = fields.String(required=True)
    owner = fields.String(required=True, metadata={"description": "Empty where the write does not say."})
    columns = fields.List(fields.String(), required=True, metadata={"description": "What it writes, without values."})
    attempts = fields.Integer(required=True)
    error = fields.String(required=True, allow_none=True, metadata={"description": "Of the last attempt."})
    queued_at = fields.String(required=True)
    tried_at = fields.String(required=True, allow_none=True)


class OutboxSchema(Schema):
    """A page of the outbox, in the order in which it is replayed."""

    entries = fields.List(fields.Nested(OutboxEntrySchema), required=True)
    pending = fields.Integer(required=True, metadata={"description": "Waiting in all."})
    set_aside = fields.Integer(required=True)
    bytes = fields.Integer(required=True)
    oldest = fields.String(required=True, allow_none=True, metadata={"description": "Since when the oldest one waits."})
    next_cursor = fields.Integer(required=True, allow_none=True)
    timestamp = fields.String(required=True)


class OutboxActSchema(Schema):
    """Answer of a retry or a discard."""

    success = fields.Boolean(required=True)
    message = fields.String(required=True)
