"""Takes secrets and personal data out of texts before anything is stored or shown.

What it knows: `Authorization` and cookie values, bearer tokens, JSON web tokens, keys with a known prefix, passwords
in addresses, values of query parameters and fields that are named like a secret, e-mail addresses. Long texts are cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
MAX_TEXT = 2000
MAX_ITEMS = 50
MAX_DEPTH = 4

_NAME = (
    r"(?:[\w.-]*(?:token|secret|passw(?:or)?d|passwd|api[_-]?key|apikey|private[_-]?key|credential|signature)[\w-]*"
    r"|pwd|key|auth|sig)"
)
_SECRET_NAME = re.compile(
    rf"^(?:{_NAME}|authorization|proxy-authorization|cookie|set-cookie|x-api-key|session(?:id)?)$", re.I
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+"),
        rf"\1\2{REDACTED}",
    ),
    (re.compile(r"\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic|token)\s+[\w.~+/=-]{8,}"), rf"\1 {REDACTED}"),
    (
        re.compile(r"\b(?:sk|pk|rk|xai|sb_secret|sb_publishable|ghp|gho|ghs|github_pat|glpat|xox[abpr])[-_][\w-]{8,}"),
        REDACTED,
    ),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), REDACTED),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@"), rf"\1{REDACTED}@"),
    (re.compile(rf"(?i)(?<![\w-])({_NAME})(['\"]?\s*[=:]\s*)(['\"]?)[^\s&'\",;)}}\]]+"), rf"\1\2\3{REDACTED}"),
    (re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+\b"), "[email]"),
)


def redact_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` without secrets and personal data, at most `limit` characters long."""
    # Cut first, generously: the patterns run over bounded text, and what is cut off cannot leak.
    kept = text[: limit * 2]
    for pattern, replacement in _PATTERNS:
        kept = pattern.sub(replacement, kept)
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret."""
    return bool(_SECRET_NAME.match(name))


def redact(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a JSON-ready copy of `value` without secrets: mappings and sequences walked, other objects as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if depth <= 0:
        return "…"
    if isinstance(value, Mapping):
        return {str(name)[:100]: _field(str(name), item, depth) for name, item in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth - 1) for item in list(value)[:MAX_ITEMS]]
    return redact_text(_text(value))


def _field(name: str, value: Any, depth: int) -> Any:
    return REDACTED if value not in (None, "") and is_secret_name(name) else redact(value, depth - 1)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not lose the record that it stands in
        return f"<{type(value).__name__}>"
