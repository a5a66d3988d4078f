"""Takes secrets and personal data out of texts before anything is stored or shown.

It knows authorization headers and cookies, bearer tokens, JSON web tokens, keys with a known prefix, private keys,
who signs in by an address, query parameters, fields and headers named like a secret, and e-mail addresses. Long texts
are cut. Every pattern is bounded, so that a text made to be slow costs no more than another of its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

REDACTED = "[redacted]"
MAX_TEXT = 2000
MAX_ITEMS = 50
MAX_DEPTH = 4
MAX_NODES = 500
_MAX_BITS = 63  # of a number: larger ones are no JSON to everybody

# A name with one of these words in it holds a secret; `tokens` does not: that is how language models count.
_WORD = r"(?:token(?!s)|secret|passw(?:or)?d|passphrase|(?:api|private|access)[_ -]?key|credential)"
_NAME = rf"[\w-]{{0,40}}?{_WORD}[\w-]{{0,40}}|pwd|(?:[\w-]{{0,40}}[_-])?pass|auth|jwt|session(?:[_-]?(?:id|key))?"
_VALUE = r"""("(?:[^"\\]|\\.){0,2000}"?|'(?:[^'\\]|\\.){0,2000}'?|[^\s&"',;)}\]]+)"""
_SECRET_NAME = re.compile(rf"(?:{_NAME}|key|sig|otp|authorization|proxy-authorization|cookie|set-cookie)", re.I)
_PREFIXES = ("sk", "pk", "rk", "xai", "sb_secret", "sb_publishable", "ghp", "gho", "ghs", "github_pat", "glpat", "xox")

# What a text must contain, in lower case, to be worth the search; the pattern; what is put in its place. The first
# saves nine tenths of the time: most texts hold nothing that looks like a secret.
_RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (
        ("private key",),
        re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]{0,30}-----|\Z)", re.S),
        REDACTED,
    ),
    (
        ("authorization", "cookie"),
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)\b([\"']?\s{0,5}[:=]\s{0,5}[\"']?)"
            r"""(?:(?<==)\\?"[^"\r\n]*"?|(?<==)'[^'\r\n]*'?|[^\r\n"'])+"""  # a quote inside follows its name and =
        ),
        rf"\1\2{REDACTED}",
    ),
    (("eyj",), re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), REDACTED),
    (("bearer", "basic"), re.compile(r"(?i)\b(bearer|basic)\s{1,5}[\w.~+/=-]{6,}"), rf"\1 {REDACTED}"),
    (_PREFIXES, re.compile(rf"\b(?:{'|'.join(_PREFIXES)}[abprs]?)[-_][\w-]{{8,}}"), REDACTED),
    (
        ("akia", "aiza", "sg."),
        re.compile(r"\b(?:AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,})"),
        REDACTED,
    ),
    (
        ("ghu_", "ghr_", "hf_", "npm_", "sbp_", "gsk_", "pat_", "ya29."),
        re.compile(r"\b(?:(?:ghu|ghr|hf|npm|sbp|gsk|dckr_pat)_[\w-]{16,}|ya29\.[\w-]{16,})"),
        REDACTED,
    ),
    (
        ("://",),
        re.compile(
            r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)"
            r"(?:[^\s/?#\"'<>]{1,700}|[^\s/@:]{0,200}:(?!\d{1,5}(?:[/?#]|$))[^\s@\"'<>]{1,500})@"
        ),
        rf"\1{REDACTED}@",
    ),
    (
        ("?", "&"),
        re.compile(r"(?i)([?&](?:key|sig|(?:[\w-]{0,20}-)?signature|code)=)[^\s&\"'<>]+"),
        rf"\1{REDACTED}",
    ),
    (
        ("token", "secret", "pass", "key", "credential", "pwd", "auth", "jwt", "session"),
        re.compile(rf"(?i)(?<![\w-])({_NAME})([\"']?\s{{0,5}}(?:=>?|:|%3d)\s{{0,5}}){_VALUE}"),
        rf"\1\2{REDACTED}",
    ),
    (("@",), re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}\b"), "[email]"),
)


def redact_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` without secrets and personal data, at most `limit` characters long."""
    kept = text
    if len(kept) > limit * 2:
        # Cut before the search, so that its work is bounded, and at a blank, so that no half of a secret is left over.
        kept = kept[: limit * 2]
        kept = kept.rsplit(None, 1)[0] if kept.strip() else kept
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

    Mappings and sequences are walked, `depth` levels down and 50 items wide, 500 items in all; other objects are shown
    as text, numbers that JSON does not know too.
    """
    return _Walk().redacted(value, depth)


class _Walk:
    """One way through a value. What contains itself, or one thing many times over, ends with the items too."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_NODES

    def redacted(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, str):
            return redact_text(value)
        if depth <= 0:
            return "…"
        if isinstance(value, Mapping):
            return {
                redact_text(_name(name), 100): self._field(name, item, depth)
                for name, item in self._first(value.items())
            }
        if isinstance(value, list | tuple | set | frozenset):
            if isinstance(value, list | tuple) and _is_pair(value):
                return [redact_text(_name(value[0])), self._field(value[0], value[1], depth)]
            return [self.redacted(item, depth - 1) for item in self._first(value)]
        return redact_text(as_text(value))

    def _field(self, name: Any, value: Any, depth: int) -> Any:
        secret = is_secret_name(_name(name)) and value is not None and not (isinstance(value, str) and not value)
        return REDACTED if secret else self.redacted(value, depth - 1)

    def _first(self, items: Iterable[Any]) -> list[Any]:
        found = list(islice(items, min(MAX_ITEMS, self._left)))
        self._left -= len(found)
        return found


def _number(value: float) -> Any:
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_BITS else redact_text(as_text(value))
    return value if value - value == 0 else str(value)  # NaN and infinities are no JSON


def _is_pair(value: Sequence[Any]) -> bool:
    """Whether it is a name with its value, as headers are handed on."""
    if len(value) != 2:
        return False
    name, given = value
    return isinstance(name, str | bytes) and isinstance(given, str | bytes) and is_secret_name(_name(name))


def _name(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else as_text(value)


def as_text(value: Any) -> str:
    """Return `str(value)`, or the name of its class where its `__str__` is broken."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not lose the record that it stands in
        return f"<{type(value).__name__}>"


def described(error: BaseException) -> str:
    """Return class and text of an error."""
    return f"{type(error).__name__}: {as_text(error)}"
