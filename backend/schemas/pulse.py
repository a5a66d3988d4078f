"""What may be asked about the community pulse, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from marshmallow import Schema, fields, validate

from backend.schemas.fields import CleanText
from backend.schemas.sources import SourceEntrySchema

WINDOWS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
}
KINDS = ("cve", "actor", "product", "phrase")
DEFAULT_WINDOW = "24h"
DEFAULT_TOPICS, MOST_TOPICS = 30, 100


class PulseQuerySchema(Schema):
    """Filters of request_pulse and GET /api/pulse."""

    window = fields.String(load_default=DEFAULT_WINDOW, validate=validate.OneOf(tuple(WINDOWS)))
    limit = fields.Integer(load_default=DEFAULT_TOPICS, validate=validate.Range(1, MOST_TOPICS))
    force_refresh = fields.Boolean(
        load_default=False, metadata={"description": "Ask the sources now, instead of showing what is at hand."}
    )


class PulseItemsQuerySchema(Schema):
    """Which topic's items GET /api/pulse/items is to give."""

    topic = CleanText(shortest=1, longest=200, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    window = fields.String(load_default=DEFAULT_WINDOW, validate=validate.OneOf(tuple(WINDOWS)))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class PulseItemSchema(Schema):
    """One thing that was published about a topic."""

    title = fields.String(required=True)
    url = fields.String(required=True, allow_none=True)
    source = fields.String(required=True)
    published = fields.String(required=True, allow_none=True)


class PulseTopicSchema(Schema):
    """What is talked about: a CVE id, an actor, a product or vendor of the catalogue, or a phrase from titles."""

    topic = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    mentions = fields.Integer(required=True, metadata={"description": "Distinct items of the window."})
    authors = fields.Integer(required=True, metadata={"description": "Distinct authors that are named."})
    sources = fields.Integer(required=True, metadata={"description": "Distinct sources."})
    source_names = fields.List(fields.String(), required=True)
    velocity = fields.Float(
        required=True,
        metadata={"description": "Mentions of the window less those of the one before, per hour of the window."},
    )
    burst = fields.Float(
        required=True,
        allow_none=True,
        metadata={
            "description": "How far above its usual share of the talk, in standard deviations; null: no history."
        },
    )
    items = fields.List(fields.Nested(PulseItemSchema), required=True, validate=validate.Length(max=5))
    threat_id = fields.String(
        required=True, allow_none=True, metadata={"description": "The threat record of a CVE, where there is one."}
    )
    threat_ids = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The threat records that the topic's items name, the most named first; at most 20."},
    )


class PulseUpdateSchema(Schema):
    """Payload of pulse_update and answer of GET /api/pulse."""

    status = fields.String(required=True, validate=validate.OneOf(("live", "stale", "error")))
    topics = fields.List(fields.Nested(PulseTopicSchema), required=True)
    window = fields.String(required=True, validate=validate.OneOf(tuple(WINDOWS)))
    window_end = fields.String(required=True, allow_none=True)
    as_of = fields.String(required=True, allow_none=True)
    ttl = fields.Float(
        required=True, metadata={"description": "Seconds after as_of for which the data counts as live."}
    )
    stale = fields.Boolean(required=True)
    sources = fields.List(fields.Nested(SourceEntrySchema), required=True)
    items_total = fields.Integer(required=True, metadata={"description": "Distinct items in the window."})
    message = fields.String()
    suggestion = fields.String()


class PulseItemWithMoreSchema(PulseItemSchema):
    """One thing that was published, with all that is known of it."""

    author = fields.String(required=True, allow_none=True)
    summary = fields.String(required=True)
    ids = fields.List(fields.String(), required=True)
    source_names = fields.List(fields.String(), required=True)


class PulseItemsSchema(Schema):
    """Answer of GET /api/pulse/items: what was published about one topic, newest first."""

    topic = fields.String(required=True)
    kind = fields.String(required=True)
    window = fields.String(required=True)
    window_end = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(("live", "stale", "error")))
    as_of = fields.String(required=True, allow_none=True)
    ttl = fields.Float(required=True)
    stale = fields.Boolean(required=True)
    items = fields.List(fields.Nested(PulseItemWithMoreSchema), required=True)
    total = fields.Integer(required=True)
    threat_ids = fields.List(fields.String(), required=True)
