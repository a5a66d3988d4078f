"""Accounts and the audit log, as administrators send and see them."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

ROLES = ("viewer", "analyst", "administrator")
STATUSES = ("active", "disabled")


def _password(**options: Any) -> fields.String:
    return fields.String(validate=validate.Length(12, 256), metadata={"format": "password"}, **options)


class AccountCreateSchema(Schema):
    """The body that makes an account; without a password one is made and answered, this once."""

    class Meta:
        unknown = RAISE

    name = fields.String(required=True, validate=validate.Length(1, 254))
    role = fields.String(load_default="viewer", validate=validate.OneOf(ROLES))
    password = _password()


class AccountPatchSchema(Schema):
    """The body that changes an account: role, status or both."""

    class Meta:
        unknown = RAISE

    role = fields.String(validate=validate.OneOf(ROLES))
    status = fields.String(validate=validate.OneOf(STATUSES))

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Nothing to change.")


class PasswordSchema(Schema):
    """The body that sets a password; without one it is made and answered, this once."""

    class Meta:
        unknown = RAISE

    password = _password()


class AccountSchema(Schema):
    """An account."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    status = fields.String(required=True)
    created_at = fields.String(allow_none=True)
    updated_at = fields.String(allow_none=True)
    signed_in_at = fields.String(allow_none=True)
    password = fields.String(metadata={"description": "Only where it was made here, and only this once."})


class AccountsSchema(Schema):
    """All accounts."""

    accounts = fields.List(fields.Nested(AccountSchema), required=True)
    total = fields.Integer(required=True)
    kind = fields.String(required=True, metadata={"description": "local or supabase"})


class AuditQuerySchema(Schema):
    """Which acts to list."""

    class Meta:
        unknown = RAISE

    user_id = fields.String(validate=validate.Length(max=254))
    action = fields.String(validate=validate.Length(max=60))
    target = fields.String(validate=validate.Length(max=254))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.String(validate=validate.Length(max=1000))


class AuditEntrySchema(Schema):
    """One act."""

    id = fields.String(required=True)
    user_id = fields.String(required=True)
    action = fields.String(required=True)
    target = fields.String(required=True)
    details = fields.Dict(required=True)
    created_at = fields.String(required=True)


class AuditSchema(Schema):
    """Acts, the newest first."""

    entries = fields.List(fields.Nested(AuditEntrySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
