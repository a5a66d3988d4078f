"""Errors that outlive the process: each is added to a file as it is recorded, and read back at the next start.

Two files. `<path>.json` is a snapshot, replaced as a whole; `<path>.log` holds what came after it, a line each, and is
begun anew with every snapshot. Both carry a number: a log with another one is already in the snapshot, or belongs to
none. What was written survives a process that is killed; the machine's own crash may take the last seconds.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_log = logging.getLogger("jupiter.resilience")


class ErrorJournal:
    """The files of one process: two processes must not share them.

    Args:
        path: where, without suffix; its folder must be there.
        max_bytes: when the log is larger, it is time for a snapshot.
    """

    def __init__(self, path: Path, max_bytes: int = 1_000_000) -> None:
        self._snapshot = path.with_name(path.name + ".json")
        self._lines = path.with_name(path.name + ".log")
        self._max_bytes = max_bytes
        self._number = 0
        self._file: int | None = None
        self._size = 0
        self._failed = False

    @property
    def is_full(self) -> bool:
        """Whether a snapshot is wanted."""
        return self._size >= self._max_bytes

    def read(self) -> tuple[dict[str, Any] | None, list[list[Any]]]:
        """Return the last snapshot, None without a usable one, and the entries that came after it."""
        kept = self._read_snapshot()
        self._number = 0 if kept is None else kept["number"]
        return (None if kept is None else kept["state"]), list(self._read_lines())

    def append(self, entry: list[Any]) -> None:
        """Add an entry, which must be ready for JSON. A disk that fails is logged once and changes nothing."""
        line = json.dumps(entry).encode() + b"\n"
        self._size += len(line)
        if self._file is None:
            return
        try:
            os.write(self._file, line)
        except OSError:
            self._tell("the errors of this process cannot be kept")

    def begin(self, state: dict[str, Any]) -> None:
        """Put `state` in the snapshot's place and begin a new log. A disk that fails is logged once."""
        number = self._number + 1
        try:
            _replace(self._snapshot, json.dumps({"number": number, "state": state}).encode())
            self._number = number
            self.close()
            self._file = _opened(self._lines)
            head = json.dumps({"number": number}).encode() + b"\n"
            os.write(self._file, head)
            self._size = len(head)
        except OSError:
            self._size = 0  # it is tried again after as many errors
            self._tell("the errors of this process cannot be kept")

    def close(self) -> None:
        """Let go of the file; nothing is added any more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read_snapshot(self) -> dict[str, Any] | None:
        try:
            kept = json.loads(self._snapshot.read_bytes())
            return {"number": int(kept["number"]), "state": dict(kept["state"])}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            self._tell("the snapshot of the errors cannot be read")
            return None

    def _read_lines(self) -> Iterator[list[Any]]:
        try:
            head, *lines = self._lines.read_bytes().splitlines()
            if json.loads(head) != {"number": self._number}:
                return
        except (OSError, ValueError):
            return
        for line in lines:
            try:
                entry = list(json.loads(line))
            except (ValueError, TypeError):  # mostly the last one, cut off by the end of the process
                continue
            yield entry

    def _tell(self, what: str) -> None:
        if not self._failed:
            _log.warning("%s", what, exc_info=True)
        self._failed = True


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    file = _opened(beside)
    try:
        written = 0
        while written < len(content):
            written += os.write(file, content[written:])
    finally:
        os.close(file)
    beside.replace(path)


def _opened(path: Path) -> int:
    """Open an empty file for its owner alone."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
