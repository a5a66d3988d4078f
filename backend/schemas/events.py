"""Payloads of the socket events that belong to no other noun."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate

STREAMS = ("threats", "pulse", "status", "summary", "chat", "notice")


class EmptySchema(Schema):
    """An event without a payload."""


class RequestSummarySchema(Schema):
    """Payload of request_summary."""

    force_refresh = fields.Boolean(load_default=False)


class SyncSchema(Schema):
    """Stream names with the last number seen of each; 0 for nothing yet."""

    class Meta:
        unknown = EXCLUDE  # what is not a stream is refused below, by name

    streams = fields.Dict(
        keys=fields.String(validate=validate.OneOf(STREAMS)),
        values=fields.Integer(strict=True, validate=validate.Range(min=0)),
        required=True,
    )

    @pre_load
    def gather(self, data: Any, **_: Any) -> dict[str, Any]:
        """Take the mapping itself as the streams."""
        if not isinstance(data, dict):
            raise ValidationError("Must be an object of stream names and numbers.")
        return {"streams": data}


class LoadingSchema(Schema):
    """Payload of threats_loading and pulse_loading."""

    timestamp = fields.String(required=True)


class NoticeSchema(Schema):
    """Payload of notice: something everybody should know."""

    level = fields.String(required=True, validate=validate.OneOf(("info", "success", "warning", "error")))
    message = fields.String(required=True)
    timestamp = fields.String(required=True)
