"""Experiments: what a person may write, what the database may hold, what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate

from backend.config import EXPERIMENT_STATUSES, EXPERIMENT_TYPES
from backend.schemas.fields import BoundedJson, CleanText, DayEnd, UtcTime, Uuid

SORTS = ("-created_at", "created_at", "-updated_at", "updated_at", "name", "-name")
MAX_LIMIT = 200


@dataclass(frozen=True)
class ExperimentRules:
    """Which types and statuses there are; an experiment begins with the first status unless it says another."""

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
        if self.fields.get("status") and self.fields["status"].load_default == EXPERIMENT_STATUSES[0]:
            self.fields["status"].load_default = rules.statuses[0]


class ExperimentCreateSchema(_ByRules):
    """The body that creates an experiment."""

    class Meta:
        unknown = RAISE

    name = CleanText(shortest=1, longest=200, required=True)
    description = CleanText(longest=4000, lines=True, load_default="")
    experiment_type = fields.String(required=True, validate=validate.OneOf(EXPERIMENT_TYPES))
    status = fields.String(load_default=EXPERIMENT_STATUSES[0], validate=validate.OneOf(EXPERIMENT_STATUSES))
    parameters = BoundedJson(load_default=dict)


class ExperimentImportSchema(ExperimentCreateSchema):
    """A row of a file to import: as for creating, with the id and times of where it comes from.

    What an export has besides is not read: the importer becomes the owner.
    """

    id = Uuid(load_default=None, allow_none=True)
    created_at = UtcTime(load_default=None, allow_none=True)
    updated_at = UtcTime(load_default=None, allow_none=True)
    user_id = fields.Raw()
    deleted_at = fields.Raw()
    queued = fields.Raw()


class ExperimentPatchSchema(_ByRules):
    """The body that changes an experiment: the fields to change, at least one."""

    class Meta:
        unknown = RAISE

    name = CleanText(shortest=1, longest=200)
    description = CleanText(longest=4000, lines=True)
    experiment_type = fields.String(validate=validate.OneOf(EXPERIMENT_TYPES))
    status = fields.String(validate=validate.OneOf(EXPERIMENT_STATUSES))
    parameters = BoundedJson()


class ExperimentFilterSchema(_ByRules):
    """Which experiments to export, in which order."""

    class Meta:
        unknown = RAISE

    type = fields.String(validate=validate.OneOf(EXPERIMENT_TYPES))
    status = fields.String(validate=validate.OneOf(EXPERIMENT_STATUSES))
    search = CleanText(longest=200, metadata={"description": "Part of the name or the description."})
    created_from = UtcTime(metadata={"description": "Created then or later."})
    created_to = DayEnd(metadata={"description": "Created before then; a day alone is included whole."})
    deleted = fields.Boolean(load_default=False, metadata={"description": "Those that are deleted, in place of all."})
    sort = fields.String(load_default="-created_at", validate=validate.OneOf(SORTS))


class ExperimentExportSchema(ExperimentFilterSchema):
    """What to export, and how."""

    format = fields.String(load_default="csv", validate=validate.OneOf(("csv", "json")))


class ExperimentQuerySchema(ExperimentFilterSchema):
    """Which experiments to list, a page at a time."""

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
    deleted_at = UtcTime(load_default=None, allow_none=True)
    queued = fields.Boolean(metadata={"description": "Accepted, and yet to be written when the database is back."})


class ExperimentListSchema(Schema):
    """A page of experiments."""

    experiments = fields.List(fields.Nested(ExperimentSchema), required=True)
    count = fields.Integer(required=True, metadata={"description": "On this page."})
    total = fields.Integer(required=True, metadata={"description": "That the filters find."})
    next_cursor = fields.String(required=True, allow_none=True, metadata={"description": "None on the last page."})
    invalid_rows = fields.Integer(required=True, metadata={"description": "Rows left out because they are damaged."})
    types = fields.List(fields.String(), required=True, metadata={"description": "The types that there are."})
    statuses = fields.List(fields.String(), required=True)
    queued = fields.Integer(metadata={"description": "Changes that wait for the database, where there are."})
    stale = fields.Boolean(metadata={"description": "From the cache, because the database is away."})
    message = fields.String()
    as_of = fields.String(metadata={"description": "When what is stale was true."})


class ImportedRowSchema(Schema):
    """What became of one row of a file."""

    row = fields.Integer(required=True, metadata={"description": "Counted from 1, without the header."})
    outcome = fields.String(required=True, validate=validate.OneOf(("accepted", "skipped")))
    id = fields.String()
    reason = fields.String(metadata={"description": "Why it was skipped."})


class ImportReportSchema(Schema):
    """What became of a file."""

    total = fields.Integer(required=True)
    accepted = fields.Integer(required=True)
    skipped = fields.Integer(required=True)
    queued = fields.Integer(metadata={"description": "Of those accepted, how many wait for the database."})
    rows = fields.List(fields.Nested(ImportedRowSchema), required=True)
