"""Texts out of a report, as data: without control characters and bounded, but with whatever markup they contain.

The payload of a cross-site-scripting finding is what the finding is about. It stays, and whoever shows it escapes it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

# C0 and C1 controls, lone surrogates, and the marks that turn the direction of text around or show nothing at all.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
_IDS = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:CVE|DEMO)-\d{4}-\d{4,19}|GHSA(?:-[0-9a-z]{4}){3})(?![0-9A-Za-z])", re.IGNORECASE
)
_REFERENCE = re.compile(r"^https?://[^\s<>\"'`\\]{3,}$", re.IGNORECASE)
MOST_REFERENCES = 10


def line(value: Any, longest: int) -> str:
    """Return a value as one clean line of at most `longest` characters; what is no text or number gives nothing."""
    return " ".join(_clean(value, longest).split())


def paragraph(value: Any, longest: int) -> str:
    """Return a value as clean text with its line ends."""
    return _clean(value, longest).strip()


def _clean(value: Any, longest: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)[: 2 * longest]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _UNWANTED.sub("", text.replace("\r\n", "\n"))[:longest]


def ids_in(value: Any, longest: int = 100_000) -> list[str]:
    """Return the ids of vulnerabilities in the first `longest` characters, in their usual spelling, each once."""
    if not isinstance(value, str):
        return []
    return list(dict.fromkeys(usual_id(found) for found in _IDS.findall(value[:longest])))


def usual_id(found: str) -> str:
    """Return an id as its authority writes it: CVE-2024-1234, GHSA-xxxx-xxxx-xxxx."""
    return f"GHSA{found[4:].lower()}" if found[:4].upper() == "GHSA" else found.upper()


def addresses(values: Any) -> tuple[str, ...]:
    """Return the http(s) addresses among values, bounded in number and length; nothing else may become a link."""
    if not isinstance(values, Iterable) or isinstance(values, str | dict):
        values = [values]
    found = (value.strip() for value in values if isinstance(value, str) and len(value) <= 500)
    return tuple(dict.fromkeys(value for value in found if _REFERENCE.match(value)))[:MOST_REFERENCES]
