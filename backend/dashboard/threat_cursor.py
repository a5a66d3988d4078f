"""The cursor of the threat list: the place of the last record that was given, not a number of records.

So a page begins where the one before ended, also when records were added or scored anew in between.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import orjson

from backend.dashboard.threat_merge import SortKey
from backend.errors import ValidationError


def encode(key: SortKey) -> str:
    """Return the cursor that continues after the record with this key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode(cursor: str) -> SortKey:
    """Return the key of a cursor.

    Raises:
        ValidationError: it is not one of ours.
    """
    try:
        value = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    if not _is_key(value):
        raise _invalid()
    return value[0], float(value[1]), value[2]


def _is_key(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 3:
        return False
    added, epss, name = value
    numbers = isinstance(added, int) and isinstance(epss, int | float) and not isinstance(added, bool)
    return numbers and math.isfinite(epss) and isinstance(name, str)


def _invalid() -> ValidationError:
    return ValidationError("cursor", details={"cursor": ["Not a cursor of this list."]})
