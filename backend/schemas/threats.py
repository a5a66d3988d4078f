"""What may be asked about threats, and what is answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, pre_load, validate

from backend.schemas.sources import SourceEntrySchema

SEVERITIES = ("critical", "high", "medium", "low", "unknown")
DEFAULT_LIMIT, MOST = 50, 200
_DATE = {"description": "ISO 8601 date, as the source gives it."}


class ThreatQuerySchema(Schema):
    """Filters of request_threats and GET /api/threats; all of them have to match."""

    severity = fields.String(load_default=None, validate=validate.OneOf(SEVERITIES))
    source = fields.String(
        load_default=None, validate=validate.Length(1, 64), metadata={"description": "A source's name, e.g. cisa_kev."}
    )
    search = fields.String(
        load_default=None,
        validate=validate.Length(max=200),
        metadata={"description": "Words that all occur in id, title, vendor, product or summary."},
    )
    known_exploited = fields.Boolean(load_default=None)
    ransomware = fields.Boolean(
        load_default=None, metadata={"description": "true: known use by ransomware; false: none known."}
    )
    limit = fields.Integer(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MOST))
    cursor = fields.String(
        load_default=None,
        validate=validate.Length(max=300),
        metadata={"description": "next_cursor of the page before."},
    )
    force_refresh = fields.Boolean(
        load_default=False, metadata={"description": "Ask the sources now, instead of showing what is at hand."}
    )

    @pre_load
    def empty_is_none(self, data: Any, **_: Any) -> Any:
        """Take an empty text, as forms send it, for a filter that is not set."""
        if not hasattr(data, "items"):
            return data
        return {name: None if value == "" and name in _FILTERS else value for name, value in data.items()}


_FILTERS = frozenset(("severity", "source", "search", "known_exploited", "ransomware", "cursor"))


class ThreatSchema(Schema):
    """The unified record of one threat. What no source knows is null."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    summary = fields.String(required=True, allow_none=True)
    severity = fields.String(required=True, validate=validate.OneOf(SEVERITIES))
    severity_basis = fields.String(required=True, metadata={"description": "What the severity was derived from."})
    vendor = fields.String(required=True, allow_none=True)
    product = fields.String(required=True, allow_none=True)
    known_exploited = fields.Boolean(required=True, allow_none=True)
    ransomware = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "true: used in ransomware campaigns; null: unknown."}
    )
    required_action = fields.String(required=True, allow_none=True)
    due_date = fields.String(required=True, allow_none=True, metadata=_DATE)
    date_added = fields.String(
        required=True, allow_none=True, metadata={"description": "ISO 8601 date on which the catalogue took it in."}
    )
    published = fields.String(required=True, allow_none=True, metadata=_DATE)
    updated = fields.String(required=True, allow_none=True, metadata=_DATE)
    cwes = fields.List(fields.String(), required=True)
    references = fields.List(fields.String(), required=True)
    epss = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Probability, 0 to 1, of exploitation within 30 days (FIRST EPSS)."},
    )
    percentile = fields.Float(
        required=True, allow_none=True, metadata={"description": "Share of all CVEs with at most this EPSS, 0 to 1."}
    )
    epss_date = fields.String(required=True, allow_none=True, metadata=_DATE)
    sources = fields.List(fields.String(), required=True, metadata={"description": "Names of those it comes from."})
    priority = fields.Integer(required=True, validate=validate.Range(0, 100))
    priority_reasons = fields.List(fields.String(), required=True)


class ThreatsUpdateSchema(Schema):
    """Payload of threats_update and answer of GET /api/threats."""

    threats = fields.List(fields.Nested(ThreatSchema), required=True)
    count = fields.Integer(required=True, metadata={"description": "Records in this answer."})
    success = fields.Boolean(required=True, metadata={"description": "false while nothing was ever loaded."})
    total = fields.Integer(required=True, metadata={"description": "Records that match the filters."})
    sources = fields.List(fields.Nested(SourceEntrySchema), required=True)
    as_of = fields.String(required=True, allow_none=True)
    ttl = fields.Float(
        required=True, metadata={"description": "Seconds after as_of for which the data counts as live."}
    )
    stale = fields.Boolean(required=True)
    next_cursor = fields.String(metadata={"description": "For the next page; absent on the last one."})
    message = fields.String()
    suggestion = fields.String()
