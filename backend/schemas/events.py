"""Payloads of the socket events that belong to no other noun."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class EmptySchema(Schema):
    """An event without a payload."""


class RequestSummarySchema(Schema):
    """Payload of request_summary."""

    force_refresh = fields.Boolean(load_default=False)


def _last_seen() -> fields.Integer:
    return fields.Integer(
        strict=True,
        validate=validate.Range(min=0),
        metadata={"description": "The last number seen, 0 for nothing yet."},
    )


class SyncSchema(Schema):
    """The streams that a client follows, each with the last number it has seen."""

    threats = _last_seen()
    pulse = _last_seen()
    status = _last_seen()
    summary = _last_seen()
    chat = _last_seen()
    scans = _last_seen()
    alerts = _last_seen()
    notice = _last_seen()


class LoadingSchema(Schema):
    """Payload of threats_loading and pulse_loading."""

    timestamp = fields.String(required=True)


class NoticeSchema(Schema):
    """Payload of notice: something everybody should know."""

    level = fields.String(required=True, validate=validate.OneOf(("info", "success", "warning", "error")))
    message = fields.String(required=True)
    timestamp = fields.String(required=True)
