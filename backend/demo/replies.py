"""What a simulated upstream answers, and the ways in which such an answer can be spoilt."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

HTML_PAGE = b"<!doctype html><html><head><title>Demo gateway</title></head><body><h1>Please wait</h1></body></html>"
GARBAGE = b'\x00\xff{"demo": [}}, not what anybody asked for \xfe\x01'


@dataclass(frozen=True)
class Request:
    """What reached a simulator; `query` holds the last value of each parameter."""

    method: str = "GET"
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """An answer in one or several pieces.

    Args:
        chunks: the body, piece by piece.
        pace: seconds between two pieces.
        declared: the length that the header claims; None for the true one, and for streams none at all.
        streamed: sent as a stream, whose length nobody knows beforehand.
    """

    chunks: tuple[bytes, ...] = ()
    content_type: str = "application/json"
    status: int = 200
    etag: str = ""
    pace: float = 0.0
    declared: int | None = None
    streamed: bool = False

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)


def json_reply(data: Any, *, status: int = 200) -> Reply:
    """Return `data` as JSON, with an entity tag made from it."""
    return tagged(json.dumps(data, ensure_ascii=False).encode(), "application/json", status=status)


def tagged(body: bytes, content_type: str, *, status: int = 200) -> Reply:
    """Return a body with an entity tag made from it, for conditional requests."""
    return Reply((body,), content_type, status=status, etag=f'"demo-{zlib.crc32(body):08x}"')


def conditional(reply: Reply, request: Request) -> Reply:
    """Turn `reply` into 304 where the request shows that its sender has it already."""
    if reply.etag and request.headers.get("if-none-match") == reply.etag:
        return replace(reply, chunks=(), status=304)
    return reply


def _error(_reply: Reply) -> Reply:
    return json_reply({"error": "simulated fault (demo)"}, status=500)


def _html(_reply: Reply) -> Reply:
    return Reply((HTML_PAGE,), "text/html; charset=utf-8")


def _garbage(reply: Reply) -> Reply:
    if not reply.streamed:
        return Reply((GARBAGE,), reply.content_type)
    half = len(reply.chunks) // 2
    return replace(reply, chunks=(*reply.chunks[:half], b"data: " + GARBAGE + b"\n\n"))


def _truncated(reply: Reply) -> Reply:
    if reply.streamed:
        return replace(reply, chunks=reply.chunks[: len(reply.chunks) // 2])
    body = reply.body
    return replace(reply, chunks=(body[: len(body) // 2],), declared=len(body))


_FAULTS: dict[str, Callable[[Reply], Reply]] = {
    "error": _error,
    "html": _html,
    "garbage": _garbage,
    "truncated": _truncated,
}


def spoil(reply: Reply, mode: str) -> Reply:
    """Return `reply` as an upstream in `mode` sends it; modes that only concern time leave it alone."""
    fault = _FAULTS.get(mode)
    return fault(reply) if fault else reply
