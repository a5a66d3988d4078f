"""Text from outside made plain: no markup, no control characters, one Unicode form."""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

_ROUNDS = 6
# C0 and C1 controls but tab and newline, lone surrogates, and the marks that turn the direction of text around:
# with them a name can be shown as another one.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
# Cut short at the end of a text, a tag is none yet. Possessive, and only where a run of them begins: else a text of
# nothing but `<` costs the square of its length.
_TAG_BEGINS = re.compile(r"(?<!<)<++(?=[A-Za-z/!?])")


def plain_text(value: str) -> str:
    """Return `value` without markup and control characters, stripped, as NFC.

    The result is text, not HTML: `AT&T` and `5 < 6` stay as they are and whoever shows it in HTML escapes it.
    What is markup after unescaping is markup too, so it is unescaped and cleaned until nothing changes any more.
    """
    text = _UNWANTED.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    if "<" in text or "&" in text:
        text = _without_markup(text)
    return unicodedata.normalize("NFC", text).strip()


def single_line(value: str) -> str:
    """Return `plain_text` with every run of blanks and line ends as one blank."""
    return " ".join(plain_text(value).split())


def _without_markup(text: str) -> str:
    for _ in range(_ROUNDS):
        cleaned = _UNWANTED.sub("", html.unescape(nh3.clean(text, tags=set())))
        if cleaned == text:
            return _TAG_BEGINS.sub("", text)
        text = cleaned
    return text.replace("<", "")  # nested more often than any honest text is
