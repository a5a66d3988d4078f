"""What a reader of a scan format does, and what it may ask of the file."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from backend.scans.errors import UnreadableScanError
from backend.scans.finding import Finding

UTF8_MARK = b"\xef\xbb\xbf"


class ScanFile:
    """An uploaded file that is read from its beginning, perhaps more than once.

    `left_out` counts, in words, what a reader passed over; `tool` is who wrote the report.
    """

    def __init__(self, path: Path, *, passes: int = 1) -> None:
        self._path = path
        self._passes = passes
        self.size = max(1, path.stat().st_size)
        self._done = 0
        self._open: _Counted | None = None
        self._buffered: io.BufferedReader | None = None
        self.left_out: Counter[str] = Counter()
        self.tool = ""

    def open(self) -> BinaryIO:
        """Open it anew, behind a byte order mark."""
        self.close()
        self._open = _Counted(self._path)
        self._buffered = io.BufferedReader(self._open, 65_536)
        if self._buffered.peek(3)[:3] == UTF8_MARK:
            self._buffered.read(3)
        return self._buffered

    def close(self) -> None:
        """Close it."""
        if self._buffered is not None and self._open is not None:
            self._done += self._open.count
            self._buffered.close()
            self._open = self._buffered = None

    def __enter__(self) -> ScanFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def share(self) -> float:
        """How much of the reading is done, 0 to 1."""
        count = self._done + (self._open.count if self._open else 0)
        return min(1.0, count / (self.size * self._passes))


class _Counted(io.FileIO):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.count = 0

    def readinto(self, buffer: Any) -> int:
        got = super().readinto(buffer) or 0
        self.count += got
        return got


class Reader(Protocol):
    """Reads one format. Pure: runs in native threads, a chunk at a time."""

    name: str
    title: str
    passes: int

    def read(self, file: ScanFile) -> Iterator[Finding]:
        """Yield what is found in it, in the file's own order.

        Raises:
            UnreadableScanError: it breaks off, is hostile, or not what it should be.
        """
        ...


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a list, or an empty one in place of anything else."""
    return value if isinstance(value, list) else []


def lines(file: BinaryIO, longest: int) -> Iterator[bytes | None]:
    """Yield the lines that are not blank; None in place of one that is longer than `longest` bytes."""
    while raw := file.readline(longest + 1):
        if len(raw) <= longest or raw.endswith(b"\n"):
            if raw.strip():
                yield raw
            continue
        while (rest := file.readline(longest)) and not rest.endswith(b"\n"):
            pass
        yield None


def refuse_nul(raw: bytes) -> None:
    """Refuse text with NUL bytes in it, which no format has.

    Raises:
        UnreadableScanError: there are some.
    """
    if b"\x00" in raw:
        raise UnreadableScanError("the file contains NUL bytes: it is not text in UTF-8")
