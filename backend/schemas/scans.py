"""Scans and their findings: what may be asked, what is answered, what is told while one is worked off."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from backend.schemas.fields import CleanText

FORMAT_NAMES = ("sarif", "trivy", "grype", "nuclei", "cyclonedx", "cve_list")
STATUSES = ("queued", "running", "completed", "failed", "cancelled")
FINDING_SEVERITIES = ("critical", "high", "medium", "low", "info", "unknown")
MOST = 200
_CURSOR = {"description": "next_cursor of the page before."}


class ScanUploadQuery(Schema):
    """What may be said about an upload, in the query or as fields of the form."""

    class Meta:
        unknown = RAISE

    name = CleanText(longest=200, metadata={"description": "The scan's name; else that of the file."})
    format = fields.String(
        validate=validate.OneOf(FORMAT_NAMES), metadata={"description": "Told by the content where it is left out."}
    )


class ScanListQuery(Schema):
    """Which scans to list."""

    class Meta:
        unknown = RAISE

    status = fields.String(validate=validate.OneOf(STATUSES))
    search = CleanText(longest=200, metadata={"description": "Part of the name."})
    limit = fields.Integer(load_default=20, validate=validate.Range(1, MOST))
    cursor = fields.String(validate=validate.Length(max=2000), metadata=_CURSOR)


class FindingFilters(Schema):
    """Which findings of a scan."""

    class Meta:
        unknown = RAISE

    severity = fields.String(validate=validate.OneOf(FINDING_SEVERITIES))
    known_exploited = fields.Boolean()
    search = CleanText(
        longest=200, metadata={"description": "Words that all occur in id, title, component or location."}
    )


class FindingListQuery(FindingFilters):
    """Which findings of a scan to list."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST))
    cursor = fields.String(validate=validate.Length(max=2000), metadata=_CURSOR)


class FindingExportQuery(FindingFilters):
    """Which findings of a scan to export, and how."""

    format = fields.String(load_default="csv", validate=validate.OneOf(("csv", "json")))


class ScanJoinedSchema(Schema):
    """What the findings were joined with."""

    as_of = fields.String(required=True, allow_none=True, metadata={"description": "Age of the threat records."})
    complete = fields.Boolean(required=True, metadata={"description": "false: no catalogue was there to join with."})
    missing = fields.List(fields.String(), required=True, metadata={"description": "Sources that had no data."})
    at = fields.String(required=True, allow_none=True)


class ScanSchema(Schema):
    """A scan."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    filename = fields.String(required=True)
    format = fields.String(required=True, validate=validate.OneOf(FORMAT_NAMES))
    tool = fields.String(required=True, metadata={"description": "Who wrote the report, as far as it says."})
    status = fields.String(required=True, validate=validate.OneOf((*STATUSES, "deleted")))
    experiment_id = fields.String(required=True, allow_none=True)
    size = fields.Integer(required=True, metadata={"description": "Bytes of the upload."})
    findings = fields.Integer(required=True)
    duplicates = fields.Integer(required=True, metadata={"description": "Further records that told the same."})
    known_exploited = fields.Integer(required=True)
    by_severity = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    seconds = fields.Float(required=True, allow_none=True, metadata={"description": "How long it took."})
    left_out = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    joined = fields.Nested(ScanJoinedSchema, required=True)
    error = fields.Dict(keys=fields.String(), required=True, allow_none=True)
    created_at = fields.String(required=True)
    started_at = fields.String(required=True, allow_none=True)
    finished_at = fields.String(required=True, allow_none=True)
    updated_at = fields.String(required=True)


class ScanListSchema(Schema):
    """A page of scans."""

    scans = fields.List(fields.Nested(ScanSchema), required=True)
    count = fields.Integer(required=True)
    total = fields.Integer(required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class FindingCvssSchema(Schema):
    """A CVSS score."""

    score = fields.Float(required=True)
    vector = fields.String(required=True)
    says = fields.String(required=True, allow_none=True, metadata={"description": "null: the threat record."})


class FindingTalkSchema(Schema):
    """What the community says of it within a week."""

    mentions = fields.Integer(required=True)
    sources = fields.Integer(required=True)


class FindingSchema(Schema):
    """A finding. Its texts are the scanner's and may contain markup: show them as text."""

    id = fields.String(required=True)
    scan_id = fields.String(required=True)
    vulnerability = fields.String(required=True)
    aliases = fields.List(fields.String(), required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    severity = fields.String(required=True, validate=validate.OneOf(FINDING_SEVERITIES))
    known_exploited = fields.Boolean(required=True)
    ransomware = fields.Boolean(required=True)
    date_added = fields.String(required=True, allow_none=True)
    due_date = fields.String(required=True, allow_none=True)
    component = fields.String(required=True)
    version = fields.String(required=True)
    fixed_version = fields.String(required=True)
    purl = fields.String(required=True)
    location = fields.String(required=True)
    cvss = fields.Nested(FindingCvssSchema, required=True, allow_none=True)
    epss = fields.Float(required=True, allow_none=True)
    percentile = fields.Float(required=True, allow_none=True)
    pulse = fields.Nested(FindingTalkSchema, required=True, allow_none=True)
    priority = fields.Integer(required=True, validate=validate.Range(0, 100))
    reasons = fields.List(fields.String(), required=True)
    references = fields.List(fields.String(), required=True)
    threat_id = fields.String(required=True, allow_none=True, metadata={"description": "Its threat record's id."})
    tool = fields.String(required=True)


class FindingListSchema(Schema):
    """A page of findings, known-exploited ones first, then by priority."""

    findings = fields.List(fields.Nested(FindingSchema), required=True)
    count = fields.Integer(required=True)
    total = fields.Integer(required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    scan = fields.Nested(ScanSchema, required=True)


class ScanProgressSchema(Schema):
    """Payload of scan_progress, at least every 250 ms while a scan is worked off."""

    scan_id = fields.String(required=True)
    name = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("queued", "running")))
    phase = fields.String(required=True, validate=validate.OneOf(("reading", "joining")))
    read = fields.Integer(required=True, metadata={"description": "Records read so far."})
    findings = fields.Integer(required=True, metadata={"description": "Different ones so far."})
    duplicates = fields.Integer(required=True)
    known_exploited = fields.Integer(required=True)
    share = fields.Float(required=True, metadata={"description": "Of the work, 0 to 1."})
    rate = fields.Float(required=True, metadata={"description": "Records per second."})
    elapsed = fields.Float(required=True, metadata={"description": "Seconds."})
    time_left = fields.Float(required=True, allow_none=True, metadata={"description": "Seconds; null: not known."})
    waiting = fields.String(required=True, allow_none=True, metadata={"description": "What it waits for."})
    timestamp = fields.String(required=True)


class ScanResultSchema(Schema):
    """Payload of scan_result: the scan as it ended, and the findings to look at first."""

    scan = fields.Nested(ScanSchema, required=True)
    top = fields.List(fields.Nested(FindingSchema), required=True)
    timestamp = fields.String(required=True)
