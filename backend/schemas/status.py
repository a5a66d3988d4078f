"""Status, health, error statistics and feature state, as REST and sockets show them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

BREAKER_STATES = ("closed", "open", "half_open", "forced_open", "disabled", "metrics_only")
HEALTH = ("healthy", "degraded", "unhealthy")


class DependencySchema(Schema):
    """One thing outside that a feature calls."""

    circuit_breaker = fields.String(required=True, validate=validate.OneOf(BREAKER_STATES))
    failures = fields.Integer(required=True)
    retry_after = fields.Float(allow_none=True, metadata={"description": "Seconds until the next probe."})


class FeatureSchema(Schema):
    """State of one feature."""

    enabled = fields.Boolean(required=True)
    circuit_breaker = fields.String(required=True, validate=validate.OneOf(BREAKER_STATES))
    failures = fields.Integer(required=True)
    reason = fields.String(allow_none=True, metadata={"description": "Why it is disabled."})
    dependencies = fields.Dict(keys=fields.String(), values=fields.Nested(DependencySchema))


class CheckSchema(Schema):
    """Outcome of one health check."""

    status = fields.String(required=True)
    response_time = fields.Float(allow_none=True, metadata={"description": "Seconds."})
    message = fields.String(allow_none=True)


class HealthSchema(Schema):
    """Answer of the health route."""

    service = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(HEALTH))
    timestamp = fields.String(required=True)
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckSchema), required=True)


class ErrorTotalsSchema(Schema):
    """Counts over the window."""

    total_errors = fields.Integer(required=True)
    errors_by_type = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    error_rate = fields.Float(required=True, metadata={"description": "Errors per minute over the window."})


class ErrorSliceSchema(Schema):
    """Errors of a slice of the window."""

    at = fields.String(required=True, metadata={"description": "The end of the slice."})
    count = fields.Integer(required=True)


class ErrorStatsSchema(ErrorTotalsSchema):
    """Answer of the error statistics route."""

    window_minutes = fields.Float(required=True)
    series = fields.List(
        fields.Nested(ErrorSliceSchema),
        required=True,
        metadata={"description": "The window in 60 equal slices, the oldest first."},
    )


class RecentErrorSchema(Schema):
    """One recorded error."""

    timestamp = fields.String(required=True)
    type = fields.String(required=True)
    message = fields.String(required=True)
    context = fields.Dict(keys=fields.String(), required=True)


class RecentErrorsSchema(Schema):
    """Answer of the recent errors route."""

    errors = fields.List(fields.Nested(RecentErrorSchema), required=True)


class RecentErrorsQuery(Schema):
    """How many errors to show."""

    limit = fields.Integer(load_default=10, validate=validate.Range(1, 500))


class StatusUpdateSchema(Schema):
    """Payload of status_update."""

    features = fields.Dict(keys=fields.String(), values=fields.Nested(FeatureSchema), required=True)
    errors = fields.Nested(ErrorTotalsSchema, required=True)
    timestamp = fields.String(required=True)
    health = fields.String(required=True, validate=validate.OneOf(HEALTH))
    checks = fields.Dict(keys=fields.String(), values=fields.Nested(CheckSchema))


class ResetSchema(Schema):
    """Answer of a reset or an override."""

    success = fields.Boolean(required=True)
    message = fields.String(required=True)


class DisableFeatureSchema(Schema):
    """Why a feature is switched off."""

    reason = fields.String(required=True, validate=validate.Length(1, 300))
    seconds = fields.Float(
        allow_nan=False,
        validate=validate.Range(min=1, max=30 * 86_400),
        metadata={"description": "Switched on again by itself after so many seconds."},
    )


class FeaturesSchema(Schema):
    """Answer of the feature status route: feature -> state."""

    grok_chat = fields.Nested(FeatureSchema)
    threat_intelligence = fields.Nested(FeatureSchema)
    community_pulse = fields.Nested(FeatureSchema)
    scan_processing = fields.Nested(FeatureSchema)
    dashboard_data = fields.Nested(FeatureSchema)
