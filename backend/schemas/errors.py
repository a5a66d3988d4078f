"""The error body that every route and event answers with."""

from __future__ import annotations

from marshmallow import Schema, fields


class ErrorSchema(Schema):
    """What happened, what it means, what to do next, and an id to quote."""

    error = fields.String(required=True, metadata={"description": "What happened, in a few words."})
    error_code = fields.String(required=True, metadata={"description": "Stable name for programs."})
    error_id = fields.String(required=True, metadata={"description": "Quote this to your administrator."})
    message = fields.String(required=True, metadata={"description": "What it means for the person."})
    details = fields.Raw(metadata={"description": "Particulars, such as the fields that are wrong."})
    retry_after = fields.Float(metadata={"description": "Seconds until another try makes sense."})
    actions = fields.List(fields.String(), metadata={"description": "What the client can do by itself."})
    suggestion = fields.String(metadata={"description": "What the person can do."})
    fallback_available = fields.Boolean()
    fallback_data = fields.Dict(keys=fields.String())


class PanelErrorSchema(Schema):
    """Payload of threats_error, pulse_error, summary_error."""

    error = fields.String(required=True)
    type = fields.String(required=True)
    timestamp = fields.String(required=True)
    recoverable = fields.Boolean(required=True)
    suggestion = fields.String(required=True)
    retry_after = fields.Float()
    sources = fields.List(fields.Dict(keys=fields.String()))
    fallback_data = fields.Dict(keys=fields.String())


class AckSchema(Schema):
    """The acknowledgement of every client event."""

    ok = fields.Boolean(required=True)
    data = fields.Raw(allow_none=True)
    error = fields.Nested(ErrorSchema)
