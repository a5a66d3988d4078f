"""Experiments: what a person may write, what the database may hold, what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate

from backend.schemas.fields import BoundedJson, CleanText, UtcTime, Uuid

EXPERIMENT_TYPES = ("security_scan", "chaos_drill", "ab_test", "benchmark")
EXPERIMENT_STATUSES = ("pending", "running", "completed", "failed", "cancelled")
SORTS = ("-created_at", "created_at", "-updated_at", "updated_at", "name", "-name")
MAX_LIMIT = 200


@dataclass(frozen=True)
class ExperimentRules:
    """Which types and statuses there are."""

    types: Sequence[str] = EXPERIMENT_TYPES
    statuses: Sequence[str] = EXPERIMENT_STATUSES


DEFAULT_RULES = ExperimentRules()


class _ByRules(Schema):
    """A schema whose types and statuses are those of `rules`."""

    def __init__(self, *, rules: ExperimentRules = DEFAULT_RULES, **options: Any) -> None:
        super().__init__(**options)
        for name, known in (("experiment_type", rules.types), ("type", rules.types), ("status", rules.statuses)):
            if name in self.fields:
                self.fields[name].validators = [validate.OneOf(known)]


class ExperimentCreateSchema(_ByRules):
    """The body that creates an experiment."""

    class Meta:
        unknown = RAISE

    name = CleanText(shortest=1, longest=200, required=True)
    description = CleanText(longest=4000, lines=True, load_default="")
    experiment_type = fields.String(required=True, validate=validate.OneOf(EXPERIMENT_TYPES))
    status = fields.String(load_default="pending", validate=validate.OneOf(EXPERIMENT_STATUSES))
    parameters = BoundedJson(load_default=dict)


class ExperimentPatchSchema(_ByRules):
    """The body that changes an experiment: the fields to change, at least one."""

    class Meta:
        unknown = RAISE

    name = CleanText(shortest=1, longest=200)
    description = CleanText(longest=4000, lines=True)
    experiment_type = fields.String(validate=validate.OneOf(EXPERIMENT_TYPES))
    status = fields.String(validate=validate.OneOf(EXPERIMENT_STATUSES))
    parameters = BoundedJson()


class ExperimentQuerySchema(_ByRules):
    """Which experiments to list."""

    class Meta:
        unknown = RAISE

    type = fields.String(validate=validate.OneOf(EXPERIMENT_TYPES))
    status = fields.String(validate=validate.OneOf(EXPERIMENT_STATUSES))
    search = CleanText(longest=200, metadata={"description": "Part of the name or the description."})
    sort = fields.String(load_default="-created_at", validate=validate.OneOf(SORTS))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(
        validate=validate.Length(max=2000), metadata={"description": "next_cursor of the page before."}
    )


class ExperimentSchema(_ByRules):
    """An experiment as it is shown, and as a row of the table must be. Columns it does not know are left out."""

    class Meta:
        unknown = EXCLUDE

    id = Uuid(required=True)
    user_id = CleanText(longest=200, load_default=None, allow_none=True)
    name = CleanText(shortest=1, longest=200, required=True)
    description = CleanText(longest=4000, lines=True, load_default="")
    experiment_type = fields.String(required=True, validate=validate.OneOf(EXPERIMENT_TYPES))
    status = fields.String(required=True, validate=validate.OneOf(EXPERIMENT_STATUSES))
    parameters = BoundedJson(load_default=dict)
    created_at = UtcTime(required=True)
    updated_at = UtcTime(load_default=None, allow_none=True)


class ExperimentListSchema(Schema):
    """A page of experiments."""

    experiments = fields.List(fields.Nested(ExperimentSchema), required=True)
    count = fields.Integer(required=True, metadata={"description": "On this page."})
    total = fields.Integer(required=True, metadata={"description": "That the filters find."})
    next_cursor = fields.String(required=True, allow_none=True, metadata={"description": "None on the last page."})
    invalid_rows = fields.Integer(required=True, metadata={"description": "Rows left out because they are damaged."})
