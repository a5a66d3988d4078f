"""The experiment summary as it is sent."""

from __future__ import annotations

from marshmallow import Schema, fields

from backend.schemas.experiments import ExperimentSchema


class RecentActivitySchema(Schema):
    """What happened lately."""

    last_7_days = fields.Integer(required=True, metadata={"description": "Experiments created in the last 7 days."})
    completion_rate = fields.Float(
        required=True, metadata={"description": "Percentage of those that are completed, 0 to 100, one decimal."}
    )


class SummarySchema(Schema):
    """Answer of the summary route and payload of summary_update."""

    total_experiments = fields.Integer(required=True)
    experiments = fields.List(
        fields.Nested(ExperimentSchema), required=True, metadata={"description": "The newest 50."}
    )
    experiments_by_type = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    experiments_by_status = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    recent_activity = fields.Nested(RecentActivitySchema, required=True)
    timestamp = fields.String(required=True, metadata={"description": "When this was computed, ISO 8601 UTC."})
    partial_failure = fields.Boolean(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.String(), metadata={"description": "By part that failed."})
    cached = fields.Boolean(required=True)
    cache_timestamp = fields.String(required=True, allow_none=True)
    stale = fields.Boolean(metadata={"description": "Older than it should be, because it cannot be renewed now."})
    message = fields.String()
    invalid_rows = fields.Integer(metadata={"description": "Rows left out because they are damaged, where there are."})
