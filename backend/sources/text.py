"""Texts of strangers, made fit to show: no markup, nothing invisible, not endless. Pure."""

from __future__ import annotations

import html
import re
from typing import Any

import nh3

# Control characters, soft hyphens, zero-width and direction marks, tags, and halves of surrogate pairs: nobody sees
# them, but they change what is read, matched or sent to a model (and lone surrogates cannot be written as JSON).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_HALVES = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")
_BLOCK = re.compile(r"<(?=/?(?:p|br|div|li|ul|ol|h[1-6]|tr|td|th|blockquote|section|article)\b)", re.IGNORECASE)
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&(?:lt|#0*60|#x0*3c);", re.IGNORECASE)
_LEFT = re.compile(r"[<>]|&(?=lt|#)", re.IGNORECASE)
_ROUNDS = 3


def plain(value: Any, limit: int) -> str:
    """Return plain text: nothing invisible, single blanks, at most `limit` characters; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    return shorten(_BLANKS.sub(" ", _INVISIBLE.sub("", value[: limit * 4])).strip(), limit)


def from_html(value: Any, limit: int) -> str:
    """Return the text of an HTML fragment, in the way `plain` does.

    Escaped markup is taken out too, however often it is escaped: what comes back has no tag in it.
    """
    if not isinstance(value, str):
        return ""
    text = _HALVES.sub("", value[: limit * 20 + 2000])  # the cleaner takes no halves of surrogate pairs
    for _ in range(_ROUNDS):
        text = html.unescape(nh3.clean(_BLOCK.sub(" <", text), tags=set()))
        if not _MARKUP.search(text):
            break
    else:
        text = _LEFT.sub(" ", text)
    return plain(text, limit)


def shorten(text: str, limit: int) -> str:
    """Cut at the last word that fits and show that something is missing."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    word_end = cut.rfind(" ")
    return (cut[:word_end] if word_end > limit // 2 else cut).rstrip(" ,;:") + "…"
