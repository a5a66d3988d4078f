"""What may be asked about threats, and what is answered."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, pre_load, validate

from backend.schemas.sources import SourceEntrySchema

SEVERITIES = ("critical", "high", "medium", "low", "unknown")
SORTS = ("priority", "newest", "updated", "epss", "cvss", "due", "relevance")
DEFAULT_SORT = "priority"
FORMATS = ("csv", "json", "stix")
DEFAULT_LIMIT, MOST, MOST_EXPORTED = 50, 200, 10_000
_DATE = {"description": "ISO 8601 date, as the source gives it."}


class ThreatFilterSchema(Schema):
    """Which threats; all filters that are given have to match."""

    severity = fields.String(load_default=None, validate=validate.OneOf(SEVERITIES))
    source = fields.String(
        load_default=None, validate=validate.Length(1, 64), metadata={"description": "A source's name, e.g. cisa_kev."}
    )
    vendor = fields.String(
        load_default=None, validate=validate.Length(max=120), metadata={"description": "Part of the vendor's name."}
    )
    search = fields.String(
        load_default=None,
        validate=validate.Length(max=200),
        metadata={
            "description": "Words that all occur, each also as the beginning of a longer one, in ids, title, vendor, "
            'product, tags, summary or indicators; "words beside each other"; -without.'
        },
    )
    known_exploited = fields.Boolean(load_default=None)
    ransomware = fields.Boolean(
        load_default=None, metadata={"description": "true: known use by ransomware; false: none known."}
    )
    epss_min = fields.Float(load_default=None, validate=validate.Range(0, 1), metadata={"description": "0 to 1."})
    epss_max = fields.Float(load_default=None, validate=validate.Range(0, 1), metadata={"description": "0 to 1."})
    since = fields.Date(
        load_default=None, metadata={"description": "First day on which a catalogue took it in, or it was published."}
    )
    until = fields.Date(load_default=None, metadata={"description": "Last such day."})
    sort = fields.String(
        load_default=None,
        validate=validate.OneOf(SORTS),
        metadata={"description": "What comes first. Without it priority, and relevance for a search."},
    )

    @pre_load
    def empty_is_none(self, data: Any, **_: Any) -> Any:
        """Take an empty text, as forms send it, for a filter that is not set."""
        if not hasattr(data, "items"):
            return data
        return {name: None if value == "" and name in _FILTERS else value for name, value in data.items()}


_FILTERS = frozenset((*ThreatFilterSchema._declared_fields, "cursor"))


class ThreatQuerySchema(ThreatFilterSchema):
    """Filters of request_threats and GET /api/threats."""

    limit = fields.Integer(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MOST))
    cursor = fields.String(
        load_default=None,
        validate=validate.Length(max=300),
        metadata={"description": "next_cursor of the page before."},
    )
    force_refresh = fields.Boolean(
        load_default=False, metadata={"description": "Ask the sources now, instead of showing what is at hand."}
    )


class ThreatExportSchema(ThreatFilterSchema):
    """Query of GET /api/threats/export: the filters and the order of the list."""

    format = fields.String(load_default="csv", validate=validate.OneOf(FORMATS))
    limit = fields.Integer(
        load_default=MOST_EXPORTED,
        validate=validate.Range(1, MOST_EXPORTED),
        metadata={"description": "The first so many of the list: as many as are on show."},
    )


class CvssSchema(Schema):
    """A CVSS score; of several the one to be believed: not version 2 where there is a newer one, then a primary one."""

    version = fields.String(required=True)
    vector = fields.String(required=True, allow_none=True)
    score = fields.Float(required=True)
    severity = fields.String(required=True, validate=validate.OneOf(SEVERITIES))
    source = fields.String(required=True, metadata={"description": "Who scored."})
    primary = fields.Boolean(required=True, metadata={"description": "Whether that is the authority for it."})


class IndicatorSchema(Schema):
    """An indicator of compromise, written so that nobody follows it by accident (hxxp, [.])."""

    type = fields.String(required=True)
    value = fields.String(required=True)
    use = fields.String(
        metadata={"description": "context: given to understand the matter, not to look for; absent otherwise."}
    )


class ProvenanceSchema(Schema):
    """What one source has to do with a threat."""

    source = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True)
    as_of = fields.String(required=True, allow_none=True, metadata={"description": "When it last confirmed that."})
    url = fields.String(required=True, allow_none=True)
    says = fields.List(fields.String(), required=True, metadata={"description": "The fields that it knows."})
    cvss = fields.Nested(CvssSchema, required=True, allow_none=True)


class ThreatSchema(Schema):
    """The unified record of one threat. What no source knows is null."""

    id = fields.String(required=True)
    aliases = fields.List(fields.String(), required=True, metadata={"description": "Other names of the same threat."})
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
    tags = fields.List(fields.String(), required=True)
    related = fields.List(fields.String(), required=True, metadata={"description": "Ids of threats that it is about."})
    indicator_count = fields.Integer(required=True, metadata={"description": "Indicators of compromise in all."})
    cvss = fields.Nested(CvssSchema, required=True, allow_none=True)
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


class ThreatDetailSchema(ThreatSchema):
    """One threat with everything that is known of it."""

    indicators = fields.List(fields.Nested(IndicatorSchema), required=True)
    provenance = fields.List(fields.Nested(ProvenanceSchema), required=True)
    as_of = fields.String(
        required=True, allow_none=True, metadata={"description": "When the one of its sources that is oldest said so."}
    )
    stale = fields.Boolean(required=True)


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
