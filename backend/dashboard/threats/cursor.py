"""The cursor of the threat list: the place of the last record that was given, not a number of records.

So a page begins where the one before ended, also when records were added or scored anew in between.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import orjson

from backend.dashboard.threats.orders import Key
from backend.errors import ValidationError


def encode(order: str, key: Key) -> str:
    """Return the cursor that continues after the record with this key in this order."""
    return base64.urlsafe_b64encode(orjson.dumps([order, *key])).decode().rstrip("=")


def decode(cursor: str, order: str) -> Key:
    """Return the key of a cursor.

    Raises:
        ValidationError: it is not one of ours, or of another order.
    """
    try:
        value = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise _invalid() from None
    if not _is_key(value) or value[0] != order:
        raise _invalid()
    return float(value[1]), float(value[2]), value[3]


def _is_key(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 4:
        return False
    order, first, second, name = value
    numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in (first, second))
    return (
        numbers and math.isfinite(first) and math.isfinite(second) and isinstance(name, str) and isinstance(order, str)
    )


def _invalid() -> ValidationError:
    return ValidationError("cursor", details={"cursor": ["Not a cursor of this list in this order."]})
