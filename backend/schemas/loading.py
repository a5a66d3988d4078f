"""From marshmallow's errors to Jupiter's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema
from marshmallow import ValidationError as SchemaError

from backend.errors import ValidationError
from backend.schemas.text import single_line


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """Return `data` as the schema loads it.

    Raises:
        ValidationError: with the faults by field in `details`.
    """
    if not isinstance(data, Mapping):
        raise ValidationError("an object is expected", details={"_schema": ["Invalid input type."]})
    try:
        return dict(schema.load(data))
    except SchemaError as error:
        faults = {single_line(str(name)[:80]): told for name, told in error.messages_dict.items()}
        raise ValidationError(f"invalid: {', '.join(sorted(faults))}", details=faults) from None
