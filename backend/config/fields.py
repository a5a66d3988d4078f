"""Values of settings that need more than their type said."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError as SchemaError
from marshmallow import fields, validate

from backend.config.settings import MOST_TAGS

POSITIVE = validate.Range(min=0, min_inclusive=False)
RATE = validate.Regexp(
    r"^[1-9]\d*/(second|minute|hour)$", error="must be a number, a slash and second, minute or hour, like 60/minute"
)
_ADDRESS = re.compile(r"^https?://[^\s/]+(/\S*)?$")
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")


class Addresses(fields.String):
    """One or several http(s) addresses, parted by blanks or commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        addresses = tuple(str(value).replace(",", " ").split())
        for address in addresses:
            if not _ADDRESS.match(address):
                raise SchemaError(f"{address!r} is not an http or https address")
        return addresses


class Address(Addresses):
    """One http(s) address."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        addresses = super()._deserialize(value, *args, **kwargs)
        if len(addresses) != 1:
            raise SchemaError("must be one http or https address")
        return addresses[0]


class AlertAddresses(fields.String):
    """One or several of Apprise's addresses, parted by blanks; a comma may be part of one."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        addresses = tuple(str(value).split())
        for number, address in enumerate(addresses):
            if not re.match(r"^[a-z][a-z0-9+.-]*://\S+$", address, re.IGNORECASE):  # it may hold a password: not told
                raise SchemaError(f"address {number + 1} is none of Apprise's, like mailto://user:pass@host")
        return addresses


class Names(fields.String):
    """Names out of a known set, parted by blanks or commas."""

    def __init__(self, known: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self._known = known

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        names = tuple(str(value).replace(",", " ").split())
        unknown = [name for name in names if name not in self._known]
        if unknown:
            raise SchemaError(f"does not know {', '.join(unknown)}; known are {', '.join(self._known)}")
        return names


class Words(fields.String):
    """Words, parted by blanks or commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return tuple(str(value).replace(",", " ").split())


class Tags(fields.String):
    """Tags, with or without their #, parted by blanks or commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        tags = tuple(tag.removeprefix("#") for tag in str(value).replace(",", " ").split())
        wrong = [tag for tag in tags if not re.fullmatch(r"\w{1,100}", tag)]
        if wrong or not 0 < len(tags) <= MOST_TAGS:
            raise SchemaError(f"must be one to {MOST_TAGS} tags of letters, digits and _, like infosec cve")
        return tags


class OwnNames(fields.String):
    """Names of one's own choice, parted by blanks or commas."""

    def __init__(self, *, needed: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(**options)
        self._needed = needed

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        names = tuple(dict.fromkeys(str(value).replace(",", " ").split()))
        wrong = [name for name in names if not _NAME.match(name)]
        if wrong:
            raise SchemaError(f"{wrong[0]!r} is not a name of small letters, digits and underscores, at most 40")
        missing = [name for name in self._needed if name not in names]
        if missing:
            raise SchemaError(f"must have {', '.join(missing)}: what is computed from it would be wrong without")
        return names
