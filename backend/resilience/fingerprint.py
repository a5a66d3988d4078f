"""Fingerprints: the same fault gets the same one, whatever ids, numbers and addresses its text carries.

Versioned, because stored fingerprints must not be compared with those of another recipe: `v1:` and twelve hex digits
of the SHA-256 of type and text, the text without its variable parts.
"""

from __future__ import annotations

import hashlib
import re

VERSION = "v1"
_MOST = 300

_VARIABLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://\S+"), "<url>"),
    (re.compile(r"(?i)\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<ip>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"), "<hex>"),
    (re.compile(r"\"[^\"]*\"|'[^']*'"), "<text>"),
    (re.compile(r"\d+(?:\.\d+)?"), "<n>"),
    (re.compile(r"\s+"), " "),
)


def normalised(message: str) -> str:
    """Return `message` with a placeholder for each part that varies between two cases of one fault."""
    text = message[:_MOST]
    for pattern, placeholder in _VARIABLE:
        text = pattern.sub(placeholder, text)
    return text.strip()


def fingerprint(kind: str, message: str) -> str:
    """Return the fingerprint of an error of type `kind` with this text."""
    digest = hashlib.sha256(f"{kind}\0{normalised(message)}".encode(errors="replace")).hexdigest()
    return f"{VERSION}:{digest[:12]}"
