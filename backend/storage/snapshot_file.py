"""One document in a file of its own: replaced whole or not at all, readable by its owner alone.

For what a process knows only to go on where it was, and could gather again: it needs no database, so that it is there
when the database is not, and it is no use to another machine. The newest writer of several wins.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from backend import runtime
from backend.errors import DatabaseError

MAX_BYTES = 32_000_000


class SnapshotFile:
    """A file with one JSON document.

    Args:
        path: of the file; its folder is made where there is none.
        offload: runs a blocking pure function and returns its result.
    """

    def __init__(self, path: Path, *, offload: Callable[..., Any] = runtime.offload) -> None:
        self._path = path
        self._offload = offload

    def load(self, read: Callable[[Any], Any]) -> Any:
        """Return what `read` makes of the document, in a native thread; None where there is none that can be used.

        Args:
            read: pure; raises ValueError for a document that it cannot use.
        """
        return self._offload(_load, self._path, read)

    def save(self, make: Callable[[], Any]) -> None:
        """Replace the document by what `make` returns, in a native thread.

        Raises:
            DatabaseError: it cannot be written; the one before stays as it was.
        """
        try:
            self._offload(_save, self._path, make)
        except OSError as error:
            raise DatabaseError(f"cannot write {self._path.name}: {type(error).__name__}") from error


def _load(path: Path, read: Callable[[Any], Any]) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        return read(orjson.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # none, damaged, or of another version
        return None


def _save(path: Path, make: Callable[[], Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(orjson.dumps(make()))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
