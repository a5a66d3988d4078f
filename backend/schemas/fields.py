"""Fields that the nouns' schemas share. All of them load into JSON-ready values."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
from marshmallow import ValidationError, fields

from backend.schemas.text import plain_text, single_line
from backend.schemas.times import parse_utc, utc_iso

_DAY = re.compile(r"^\d{4}-?\d{2}-?\d{2}$")


class Uuid(fields.String):
    """A UUID in any of its usual spellings; loads as lower-case text with hyphens."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, uuid.UUID):
            return str(value)
        try:
            return str(uuid.UUID(value))
        except (ValueError, TypeError, AttributeError):
            raise ValidationError("Not a valid UUID.") from None


class CleanText(fields.String):
    """Text without markup and control characters.

    Args:
        shortest: characters that must be left after cleaning.
        longest: characters that may be left.
        lines: keep line ends; otherwise every run of blanks becomes one.
    """

    def __init__(self, *, shortest: int = 0, longest: int, lines: bool = False, **options: Any) -> None:
        options.setdefault("metadata", {})
        options["metadata"] = {"minLength": shortest, "maxLength": longest, **options["metadata"]}
        super().__init__(**options)
        self.shortest = shortest
        self.longest = longest
        self._clean = plain_text if lines else single_line

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Not a valid string.")
        if len(value) > 8 * self.longest:  # not worth cleaning
            raise ValidationError(f"Longer than {self.longest} characters.")
        text = self._clean(value)
        if len(text) > self.longest:
            raise ValidationError(f"Longer than {self.longest} characters.")
        if len(text) < self.shortest:
            raise ValidationError(f"Shorter than {self.shortest} characters, without markup.")
        return text


class UtcTime(fields.String):
    """A point in time with Z, an offset or none (UTC) and 0 to 9 digits of fraction; loads as ISO 8601 UTC text."""

    def __init__(self, **options: Any) -> None:
        options["metadata"] = {"format": "date-time", **options.get("metadata", {})}
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            return utc_iso(value)
        except (ValueError, TypeError):
            raise ValidationError("Not a valid datetime.") from None


class DayEnd(UtcTime):
    """The end of a span of time: a point in time as `UtcTime`, or a day, which lies in the span whole."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        loaded = super()._deserialize(value, attr, data, **kwargs)
        if not _DAY.match(str(value).strip()):
            return loaded
        try:
            return utc_iso(parse_utc(loaded) + timedelta(days=1))
        except OverflowError:
            raise ValidationError("Not a valid datetime.") from None


class BoundedJson(fields.Raw):
    """A JSON object of bounded depth and size whose texts, names included, carry no markup.

    Args:
        depth: levels of objects and lists; `{}` is one.
        size: bytes as compact JSON.
    """

    def __init__(self, *, depth: int = 6, size: int = 16_384, **options: Any) -> None:
        options["metadata"] = {"type": "object", **options.get("metadata", {})}
        super().__init__(**options)
        self.depth = depth
        self.size = size

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        if _has_more_text(value, self.size):  # not worth cleaning
            raise ValidationError(f"Larger than {self.size} bytes as JSON.")
        cleaned = dict(self._object(value, self.depth - 1))
        try:
            size = len(orjson.dumps(cleaned))
        except TypeError:
            raise ValidationError("Whole numbers must fit into 64 bits.") from None
        if size > self.size:
            raise ValidationError(f"Larger than {self.size} bytes as JSON.")
        return cleaned

    def _object(self, value: dict[Any, Any], depth: int) -> Iterator[tuple[str, Any]]:
        taken: set[str] = set()
        for name, item in value.items():
            if not isinstance(name, str):
                raise ValidationError("Names must be text.")
            cleaned = single_line(name)
            if cleaned in taken:
                raise ValidationError("Two names are the same without their markup.")
            taken.add(cleaned)
            yield cleaned, self._item(item, depth)

    def _item(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return plain_text(value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValidationError("NaN and Infinity are not JSON.")
            return value
        if depth <= 0:
            raise ValidationError(f"Nested deeper than {self.depth} levels.")
        if isinstance(value, dict):
            return dict(self._object(value, depth - 1))
        if isinstance(value, list):
            return [self._item(item, depth - 1) for item in value]
        raise ValidationError("Not JSON.")


def _has_more_text(value: Any, most: int) -> bool:
    """Whether names and texts have more than `most` characters together, however deep they are."""
    length, waiting = 0, [value]
    while waiting and length <= most:
        item = waiting.pop()
        if isinstance(item, str):
            length += len(item)
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item
    return length > most
