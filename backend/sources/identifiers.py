"""Names of vulnerabilities in records and in running text. Pure."""

from __future__ import annotations

import re
from typing import Any

_RECORD_ID = re.compile(r"[A-Z][A-Z0-9]{1,15}-\d{4}-\d{4,19}")
# Feeds write all kinds of dashes; DEMO is the demo's own prefix, so that it never needs a real number.
_IN_TEXT = re.compile(r"\b(CVE|DEMO)[-\u2010-\u2015\u2212](\d{4})[-\u2010-\u2015\u2212](\d{4,7})(?!\d)", re.IGNORECASE)


def record_id(value: Any) -> str | None:
    """Return the id of a record in its one written form, None where it is none."""
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if _RECORD_ID.fullmatch(text) else None


def ids_in(text: str, limit: int = 50) -> tuple[str, ...]:
    """Return the ids that a text names, each once, in its order, at most `limit`."""
    found: dict[str, None] = {}
    for match in _IN_TEXT.finditer(text):
        found[f"{match[1].upper()}-{match[2]}-{match[3]}"] = None
        if len(found) >= limit:
            break
    return tuple(found)
