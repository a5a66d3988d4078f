"""Takes secrets and personal data out of texts before anything is stored or shown.

It knows authorization headers and cookies, bearer tokens, JSON web tokens, keys with a known prefix, private keys,
passwords in addresses, query parameters and fields named like a secret, and e-mail addresses. Long texts are cut.
Every pattern is bounded, so that a text made to be slow costs no more than another of its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
MAX_TEXT = 2000
MAX_ITEMS = 50
MAX_DEPTH = 4

# A name with one of these words in it holds a secret; `tokens` does not: that is how language models count.
_WORD = r"(?:token(?!s)|secret|passw(?:or)?d|passphrase|api[_-]?key|private[_-]?key|access[_-]?key|credential)"
_NAME = rf"[\w-]{{0,40}}?{_WORD}[\w-]{{0,40}}|pwd"
_VALUE = r"""("(?:[^"\\]|\\.){0,2000}"?|'(?:[^'\\]|\\.){0,2000}'?|[^\s&"',;)}\]]+)"""
_SECRET_NAME = re.compile(
    rf"(?:{_NAME}|key|auth|sig|authorization|proxy-authorization|cookie|set-cookie|session(?:_?id)?)", re.I
)
_PREFIXES = ("sk", "pk", "rk", "xai", "sb_secret", "sb_publishable", "ghp", "gho", "ghs", "github_pat", "glpat", "xox")

# What a text must contain, in lower case, to be worth the search; the pattern; what is put in its place. The first
# saves nine tenths of the time: most texts hold nothing that looks like a secret.
_RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (
        ("private key",),
        re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}-----|\Z)", re.S),
        REDACTED,
    ),
    (
        ("authorization", "cookie"),
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)\b([\"']?\s{0,5}[:=]\s{0,5}[\"']?)[^\r\n\"']+"),
        rf"\1\2{REDACTED}",
    ),
    (("eyj",), re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), REDACTED),
    (("bearer", "basic"), re.compile(r"(?i)\b(bearer|basic)\s{1,5}[\w.~+/=-]{6,}"), rf"\1 {REDACTED}"),
    (_PREFIXES, re.compile(rf"\b(?:{'|'.join(_PREFIXES)}[abprs]?)[-_][\w-]{{8,}}"), REDACTED),
    (("akia", "aiza"), re.compile(r"\b(?:AKIA[0-9A-Z]{16}|AIza[\w-]{30,})"), REDACTED),
    (
        ("://",),
        re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@:]{0,200}:[^\s/@]{1,500}@"),
        rf"\1{REDACTED}@",
    ),
    (
        ("?", "&"),
        re.compile(r"(?i)([?&](?:key|auth|sig|signature|code)=)[^\s&\"'<>]+"),
        rf"\1{REDACTED}",
    ),
    (
        ("token", "secret", "passw", "passphrase", "key", "credential", "pwd"),
        re.compile(rf"(?i)(?<![\w-])({_NAME})([\"']?\s{{0,5}}[=:]\s{{0,5}}){_VALUE}"),
        rf"\1\2{REDACTED}",
    ),
    (("@",), re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"), "[email]"),
)


def redact_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` without secrets and personal data, at most `limit` characters long."""
    kept = text
    if len(kept) > limit * 2:
        # Cut before the search, so that its work is bounded, and at a blank, so that no half of a secret is left over.
        kept = kept[: limit * 2].rsplit(None, 1)[0]
    lower = kept.lower()
    for signs, pattern, replacement in _RULES:
        if any(sign in lower for sign in signs):
            kept = pattern.sub(replacement, kept)
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret."""
    return bool(_SECRET_NAME.fullmatch(name))


def redact(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return a JSON-ready copy of `value` without secrets.

    Mappings and sequences are walked, `depth` levels down and 50 items wide; other objects are shown as text, numbers
    that JSON does not know too.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and infinities are no JSON
    if isinstance(value, str):
        return redact_text(value)
    if depth <= 0:
        return "…"
    if isinstance(value, Mapping):
        return {redact_text(str(name), 100): _field(str(name), item, depth) for name, item in _first(value.items())}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth - 1) for item in _first(value)]
    return redact_text(_text(value))


def _first(items: Any) -> list[Any]:
    return [item for item, _ in zip(items, range(MAX_ITEMS), strict=False)]


def _field(name: str, value: Any, depth: int) -> Any:
    return REDACTED if value not in (None, "") and is_secret_name(name) else redact(value, depth - 1)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not lose the record that it stands in
        return f"<{type(value).__name__}>"
