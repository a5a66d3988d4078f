"""Names of vendors and products, as they can be found again in a headline. Pure.

A catalogue's values are not names yet: "Firefox, Firefox ESR, and Thunderbird", "Zimbra Collaboration Suite (ZCS)",
"Multiple Products". They are split and cleaned, and what is an everyday word ("Access", "Office") is left out: a
headline that contains it says nothing about the product.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from backend.dashboard.chat.words import EVERYDAY

SHORTEST = 4
LONGEST_WORDS = 5
SHORT_BUT_KNOWN = frozenset(("ios", "php", "sap", "ibm", "f5", "git", "jre", "dell", "qnap", "plex", "asus", "exim"))
_PARENTHESES = re.compile(r"\([^)]*\)")
_PARTS = re.compile(r",|/|;|\band\b|\bor\b", re.IGNORECASE)
_EDGES = " .,:;!-\u2013\u2014\"'"


def names_of(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names in the records: in small letters, and as they are written."""
    values = dict.fromkeys(record[field] for record in records for field in ("vendor", "product") if record[field])
    names: dict[str, str] = {}
    for value in values:
        for part in _PARTS.split(_PARENTHESES.sub(" ", value)):
            name = " ".join(part.split()).strip(_EDGES)
            if is_telling(name):
                names.setdefault(name.lower(), name)
    return names


def is_telling(name: str) -> bool:
    """Tell whether a name in a headline can be taken for the vendor or product."""
    words = name.lower().split()
    if not words or len(words) > LONGEST_WORDS or words[0] == "multiple":
        return False
    if len(words) == 1 and len(name) < SHORTEST and name.lower() not in SHORT_BUT_KNOWN:
        return False
    return not all(word in EVERYDAY or word.isdecimal() for word in words)
