"""A look at XML before a parser sees it: how deep, how many tags, how large one of them. Pure and linear.

A parser in C holds the interpreter while it works, and some of its work grows with the square of the input: 200,000
nested tags stopped the event loop for a quarter of a second, and one tag with as many attributes kept a thread for
minutes. A feed that people read is far below these limits.
"""

from __future__ import annotations

from backend.errors import NetworkError

DEEPEST = 2000
"""Open tags within each other; generous, because in feeds that are no XML some tags of HTML are never closed."""
MOST_TAGS = 50_000
LONGEST_TAG = 32_768
MOST_ATTRIBUTES = 200
_BLOCKS = ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->"), (b"<?", b"?>"))
_NEVER_CLOSED = (b"br", b"img", b"hr", b"input", b"meta", b"!", b"?")


def check_xml(body: bytes) -> None:
    """Refuse what no parser should be given.

    Raises:
        NetworkError: too deep, too many tags, or a tag that is too large.
    """
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
