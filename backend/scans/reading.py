"""Reading an upload a chunk at a time, each finding once. Pure: a chunk is read in a native thread."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.scans.errors import UnreadableScanError
from backend.scans.finding import Finding
from backend.scans.formats import OPENING, looks_like, reader_of
from backend.scans.reader import ScanFile

MOST_FINDINGS = 200_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some findings that were not seen before.

    Args:
        findings: in the file's order.
        duplicates: how many more were the same as an earlier one.
        share: how much of the file is read, 0 to 1.
        done: the file is read to its end.
    """

    findings: list[Finding]
    duplicates: int
    share: float
    done: bool


class Reading:
    """The reading of one upload; the same file always gives the same findings in the same order.

    Args:
        path: of the upload.
        format_name: one of `formats.FORMATS`.
        monotonic: seconds that only grow.
    """

    def __init__(self, path: Path, format_name: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        reader = reader_of(format_name)
        self._path = path
        self._reader = reader
        self._file = ScanFile(path, passes=reader.passes)
        self._findings: Iterator[Finding] = reader.read(self._file)
        self._seen: set[bytes] = set()
        self._monotonic = monotonic
        self._broken: UnreadableScanError | None = None
        self._found: list[Finding] = []
        self._duplicates = 0

    @property
    def tool(self) -> str:
        """Who wrote the report, as far as it says."""
        return self._file.tool

    @property
    def left_out(self) -> dict[str, int]:
        """What was passed over, in words, and how often."""
        return dict(self._file.left_out)

    def chunk(self, most: int = 120, seconds: float = 0.04) -> Chunk:
        """Read on until there are `most` findings or the time is over.

        Raises:
            UnreadableScanError: the file cannot be read any further.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return self._next(most, self._monotonic() + seconds)
        except UnreadableScanError as error:
            if not self._found:
                raise
            self._broken = error  # what was read before it is not lost: it is told with the next chunk
            return Chunk(self._found, self._duplicates, self._file.share, False)

    def _next(self, most: int, ends: float) -> Chunk:
        found = self._found = []
        self._duplicates = 0
        for finding in self._findings:
            digest = hashlib.sha256(finding.key.encode()).digest()[:16]
            if digest in self._seen:
                self._duplicates += 1
            else:
                self._seen.add(digest)
                found.append(finding)
            if len(self._seen) > MOST_FINDINGS:
                raise UnreadableScanError(f"more than {MOST_FINDINGS:,} different findings")
            if len(found) >= most or self._monotonic() >= ends:
                return Chunk(found, self._duplicates, self._file.share, False)
        self.close()
        self._refuse_another_format()
        return Chunk(found, self._duplicates, 1.0, True)

    def _refuse_another_format(self) -> None:
        """Nothing found must mean that the scanner found nothing, not that its report was not understood."""
        if self._seen:
            return
        with self._path.open("rb") as file:
            if not looks_like(file.read(OPENING), self._reader.name):
                raise UnreadableScanError(f"nothing in it is of a report in the format {self._reader.title}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
