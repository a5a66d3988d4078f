"""A look at XML before a parser sees it: its encoding, how deep, how many tags, how large one of them. Pure and linear.

A parser in C holds the interpreter while it works, and some of its work grows with the square of the input: 200,000
nested tags stopped the event loop for a quarter of a second, and one tag with as many attributes kept a thread for
minutes; one that says to be written in punycode, hours. A feed that people read is far below these limits.
"""

from __future__ import annotations

import codecs
import re

from backend.errors import NetworkError

DEEPEST = 2000
"""Open tags within each other; generous, because in feeds that are no XML some tags of HTML are never closed."""
MOST_TAGS = 50_000
LONGEST_TAG = 32_768
MOST_ATTRIBUTES = 200
NO_CHARSETS = frozenset(("punycode", "idna", "undefined", "unicode-escape", "raw-unicode-escape"))
"""What Python can decode and no document is written in; the first two of them in time that grows with the square."""
_EBCDIC = b"\x4c\x6f\xa7\x94"
"""`<?xml` in it: what such a document says of itself is not seen here."""
_LONGEST_NUMBER = 7
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)", re.IGNORECASE)
_REFERENCE = re.compile(rb"&#(?:x([0-9a-f]+)|([0-9]+))", re.IGNORECASE)
_BLOCKS = ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->"), (b"<?", b"?>"))
_NEVER_CLOSED = (b"br", b"img", b"hr", b"input", b"meta", b"!", b"?")


def check_xml(body: bytes) -> None:
    """Refuse what no parser should be given.

    Raises:
        NetworkError: in an encoding that none is, too deep, too many tags, or a tag that is too large.
    """
    named = _ENCODING.findall(body.partition(b">")[0].replace(b"\0", b""))
    if body.startswith(_EBCDIC) or not NO_CHARSETS.isdisjoint(map(_codec, named)):
        raise _refused("it is in an encoding that is not read")
    depth = tags = 0
    at = body.find(b"<")
    while at >= 0:
        ends = _block_end(body, at)
        if ends is None:
            ends = body.find(b">", at)
            length = (len(body) if ends < 0 else ends) - at
            if length > LONGEST_TAG or (
                length > MOST_ATTRIBUTES and body.count(b"=", at, at + length) > MOST_ATTRIBUTES
            ):
                raise _refused("a tag of it is too large")
            tags += 1
            depth += _step(body[at + 1 : at + 8].lower(), body[ends - 1 : ends] == b"/")
            if depth > DEEPEST or tags > MOST_TAGS:
                raise _refused("it is nested too deeply" if depth > DEEPEST else "it has too many tags")
        if ends < 0:
            return
        at = body.find(b"<", ends + 1)


def real_characters(body: bytes) -> bytes:
    """Return the body with the replacement character for every reference to what is no character (&#xD800;, &#0;)."""
    return _REFERENCE.sub(_referred, body)


def _referred(match: re.Match[bytes]) -> bytes:
    digits = (match[1] or match[2]).lstrip(b"0")
    number = int(digits, 16 if match[1] else 10) if 0 < len(digits) <= _LONGEST_NUMBER else 0
    known = 0 < number < 0xD800 or 0xDFFF < number <= 0x10FFFF
    return match[0] if known else b"&#xFFFD"


def _codec(name: bytes) -> str:
    try:
        return codecs.lookup(name.decode("ascii")).name  # which overlooks blanks and signs around it, as parsers do
    except (LookupError, ValueError):
        return ""


def _block_end(body: bytes, at: int) -> int | None:
    """Return where a block without tags of its own ends (-1: nowhere), None where none begins."""
    for begins, ends in _BLOCKS:
        if body.startswith(begins, at):
            return body.find(ends, at + len(begins))
    return None


def _step(head: bytes, closed: bool) -> int:
    if head.startswith(b"/"):
        return -1
    return 0 if closed or head.startswith(_NEVER_CLOSED) else 1


def _refused(why: str) -> NetworkError:
    return NetworkError(why, message=f"The feed is not read: {why}.")
