"""From marshmallow's errors to Jupiter's."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from marshmallow import Schema
from marshmallow import ValidationError as SchemaError

from backend.errors import ValidationError
from backend.schemas.text import single_line

_LONGEST_NAME, _LONGEST_TEXT, _MOST_DETAILS = 80, 500, 100


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
        faults = clean_details(error.messages_dict)
        raise ValidationError(f"invalid: {', '.join(sorted(faults))}", details=faults) from None


def clean_details(details: Any, depth: int = 4) -> Any:
    """Return what an error tells of its input, without markup and cut short: names of fields are the sender's own."""
    if isinstance(details, str):
        return single_line(details[:_LONGEST_TEXT])
    if depth <= 0:
        return None
    if isinstance(details, Mapping):
        told = islice(details.items(), _MOST_DETAILS)
        return {single_line(str(name)[:_LONGEST_NAME]): clean_details(each, depth - 1) for name, each in told}
    if isinstance(details, list | tuple):
        return [clean_details(each, depth - 1) for each in islice(details, _MOST_DETAILS)]
    return details
