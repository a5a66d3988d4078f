"""Alerts and what is watched: what may be asked, what is answered, what is told."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from backend.schemas.fields import CleanText

ALERT_STATUSES = ("raised", "acknowledged", "resolved")
WATCH_KINDS = ("vulnerability", "product")
_CURSOR = {"description": "next_cursor of the page before."}


class AlertListQuery(Schema):
    """Which alerts to list."""

    class Meta:
        unknown = RAISE

    status = fields.String(validate=validate.OneOf(ALERT_STATUSES))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.String(validate=validate.Length(max=2000), metadata=_CURSOR)


class AlertSchema(Schema):
    """An alert: one for a rule and its subject, however often it is hit."""

    id = fields.String(required=True)
    rule = fields.String(required=True, metadata={"description": "What was watched for, e.g. known_exploited."})
    subject = fields.String(required=True, metadata={"description": "What it is about, e.g. an id."})
    status = fields.String(required=True, validate=validate.OneOf(ALERT_STATUSES))
    severity = fields.String(required=True)
    title = fields.String(required=True)
    message = fields.String(required=True)
    details = fields.Dict(keys=fields.String(), required=True)
    delivery = fields.String(required=True, validate=validate.OneOf(("none", "pending", "delivered")))
    raised_at = fields.String(required=True)
    acknowledged_at = fields.String(required=True, allow_none=True)
    resolved_at = fields.String(required=True, allow_none=True)
    updated_at = fields.String(required=True)


class AlertListSchema(Schema):
    """A page of alerts."""

    alerts = fields.List(fields.Nested(AlertSchema), required=True)
    count = fields.Integer(required=True)
    total = fields.Integer(required=True)
    open = fields.Integer(required=True, metadata={"description": "Raised and not acknowledged."})
    next_cursor = fields.String(required=True, allow_none=True)


class AlertEventSchema(Schema):
    """Payload of alert_raised (also of one that changed) and alert_resolved."""

    alert = fields.Nested(AlertSchema, required=True)
    timestamp = fields.String(required=True)


class WatchCreateSchema(Schema):
    """What to watch for."""

    class Meta:
        unknown = RAISE

    term = CleanText(
        shortest=2, longest=200, required=True, metadata={"description": "A CVE id, or words of a vendor or product."}
    )
    note = CleanText(longest=500, load_default="")


class WatchEntrySchema(Schema):
    """Something that is watched."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(WATCH_KINDS))
    term = fields.String(required=True)
    note = fields.String(required=True)
    created_at = fields.String(required=True)


class WatchListSchema(Schema):
    """All that one watches."""

    watched = fields.List(fields.Nested(WatchEntrySchema), required=True)
    count = fields.Integer(required=True)
