"""Reading a body without trusting it: its size is counted after decompression, piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator

from backend.errors import NetworkError

PIECE = 262_144
MOST_MEMBERS = 1000
"""Gzip streams one after the other in one body: a server writes one, tools that pack in blocks some hundred. Each costs
something and a million of empty ones fit into what is accepted."""
_STEP = 4096
_GZIP = 16 + zlib.MAX_WBITS


class DocumentError(NetworkError):
    """The server answers, but with a document that cannot be used."""


def read_body(
    pieces: Iterable[bytes],
    *,
    encoding: str = "",
    announced: str = "",
    max_bytes: int,
    check: Callable[[], None] = lambda: None,
) -> bytes:
    """Join the pieces of a body.

    Args:
        pieces: as they came off the wire.
        encoding: Content-Encoding; gzip or nothing.
        announced: Content-Length; too large a one is refused before reading.
        max_bytes: largest size, on the wire and after decompression.
        check: called for every piece; raises where the time is up.

    Raises:
        DocumentError: too large, damaged, or in an encoding that nobody asked for.
        NetworkError: cut off.
    """
    if announced.isdecimal() and int(announced) > max_bytes:
        raise _too_large(max_bytes)
    if encoding.strip().lower() in ("gzip", "x-gzip"):
        return _joined(_gunzipped(_counted(pieces, max_bytes, check), check), max_bytes)
    if encoding.strip().lower() not in ("", "identity"):
        raise DocumentError(
            f"content-encoding {encoding!r}", message="The server answered in an encoding that was not asked for."
        )
    return _joined(_counted(pieces, max_bytes, check), max_bytes)


def gunzip(data: bytes, *, max_bytes: int) -> bytes:
    """Decompress a gzip file; errors as in `read_body`."""
    return _joined(_gunzipped([data], lambda: None), max_bytes)


def _counted(pieces: Iterable[bytes], max_bytes: int, check: Callable[[], None]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        check()
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        yield piece


def _joined(pieces: Iterable[bytes], max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        parts.append(piece)
    return b"".join(parts)


def _gunzipped(pieces: Iterable[bytes], check: Callable[[], None]) -> Iterator[bytes]:
    """Decompress in steps of PIECE bytes at most, so that a bomb is noticed after its first step too many."""
    stream = zlib.decompressobj(_GZIP)
    begun, members = False, 1
    try:
        for piece in _steps(pieces):
            rest = piece
            while rest:
                if stream.eof:  # a further member
                    stream = zlib.decompressobj(_GZIP)
                    members += 1
                    if members > MOST_MEMBERS:
                        raise _damaged(f"more than {MOST_MEMBERS} gzip members")
                begun = True
                yield stream.decompress(rest, PIECE)
                rest = stream.unconsumed_tail or stream.unused_data
                check()
    except zlib.error as error:
        raise _damaged(str(error)) from None
    if begun and not stream.eof:
        raise NetworkError("gzip stream ends early", message="The answer was cut off.")


def _steps(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut what comes in one large piece (a file): where a stream ends, the rest of the piece is copied."""
    for piece in pieces:
        for at in range(0, len(piece), _STEP):
            yield piece[at : at + _STEP]


def _damaged(detail: str) -> DocumentError:
    return DocumentError(detail, message="The answer is damaged: it cannot be decompressed.")


def _too_large(max_bytes: int) -> DocumentError:
    return DocumentError(
        f"more than {max_bytes} bytes",
        message=f"The answer is larger than the {max_bytes / 1_000_000:g} MB that are accepted.",
    )
