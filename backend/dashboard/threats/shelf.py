"""What each source gave last, on disk: after a restart it is shown with its age until the source answers again.

One compressed file for each source, a line for each record, replaced as a whole; a file that cannot be read is as good
as none. It is a copy and no record of anything: whoever deletes the folder loses nothing but a head start.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from backend.sources.base import Fragment, Validators

VERSION = 1
"""Of the fragments' fields: what another version wrote is not read."""
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_MOST_BYTES = 200_000_000
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Kept:
    """What one source gave, when that was last confirmed (aware), and what its next request needs."""

    fragments: Mapping[str, Fragment]
    as_of: datetime
    validators: Validators | None = None


class ThreatShelf:
    """A folder of such files. Every method blocks: run it in a native thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, kept: Kept) -> None:
        """Write one source's file.

        Raises:
            OSError: it cannot be written; the one before is still there.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(name)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
                with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, mtime=0) as packed:
                    for piece in _pieces(kept):
                        packed.write(piece)
                raw.flush()
                os.fsync(raw.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def take(self, name: str) -> Kept | None:
        """Return what is kept of one source, None where there is nothing that can be read."""
        with (
            suppress(OSError, EOFError, ValueError, KeyError, TypeError, zlib.error),
            gzip.open(self._path(name)) as file,
        ):
            return _read(iter(file))
        return None

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError(f"no name of a source: {name!r}")
        return self._folder / f"{name}.jsonl.gz"


def _pieces(kept: Kept) -> Iterator[bytes]:
    """Yield the file in pieces, so that no single step takes long."""
    known = kept.validators
    head = {"version": VERSION, "as_of": kept.as_of.isoformat(), "records": len(kept.fragments)}
    if known is not None:
        head |= {"url": known.url, "etag": known.etag, "last_modified": known.last_modified, "mark": known.mark}
    piece = orjson.dumps(head) + b"\n"
    for name, fragment in kept.fragments.items():
        piece += orjson.dumps([name, fragment]) + b"\n"
        if len(piece) > _PIECE:
            yield piece
            piece = b""
    yield piece


def _read(lines: Iterator[bytes]) -> Kept | None:
    head: Any = orjson.loads(next(lines, b"{}"))
    if not isinstance(head, dict) or head.get("version") != VERSION:
        return None
    fragments: dict[str, Fragment] = {}
    size = 0
    for line in lines:
        size += len(line)
        if size > _MOST_BYTES:
            return None
        name, fragment = orjson.loads(line)
        if isinstance(name, str) and isinstance(fragment, dict):
            fragments[name] = fragment
    if len(fragments) != head["records"]:
        return None
    url = head.get("url")
    known = Validators(url, head.get("etag"), head.get("last_modified"), head.get("mark")) if url else None
    return Kept(fragments, datetime.fromisoformat(head["as_of"]).astimezone(UTC), known)
