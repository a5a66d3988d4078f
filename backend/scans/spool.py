"""Uploads on disk: written as they arrive, kept until they are worked off, and claimed by one process at a time.

A claim is a lock on the file (flock): the kernel gives it back when its process ends, however it ends, so another
process can go on with the scan.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from backend import runtime
from backend.errors import PayloadTooLargeError
from backend.scans.errors import StorageFullError

COMING, WAITING = ".part", ".scan"
_LOCKED_SECONDS = 2.0  # within which a file that is being received has its lock for certain
_GIVE_WAY_BYTES = 262_144
_NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def _open_new(path: Path) -> Any:
    return io.FileIO(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w")


class Upload:
    """A file that is being received. Written to like a file; `finish` keeps it, `abort` forgets it.

    Args:
        path: where it is kept in the end.
        max_bytes: the most that is taken.
        opener: makes the file.
        give_way: lets the others run; called now and then, since a quick sender would leave them no time.
    """

    def __init__(
        self, path: Path, max_bytes: int, *, opener: Callable[[Path], BinaryIO], give_way: Callable[[], object]
    ) -> None:
        self._path = path
        self._part = path.with_suffix(COMING)
        self._max_bytes = max_bytes
        self._give_way = give_way
        self.size = 0
        self.opening = b""
        with _no_room():
            self._file = opener(self._part)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write(self, data: bytes) -> int:
        """Write on.

        Raises:
            PayloadTooLargeError: it is more than allowed.
            StorageFullError: the disk is full.
        """
        before = self.size
        self.size += len(data)
        if self.size > self._max_bytes:
            raise PayloadTooLargeError(f"more than {self._max_bytes} bytes")
        if len(self.opening) < _GIVE_WAY_BYTES:
            self.opening += data[: _GIVE_WAY_BYTES - len(self.opening)]
        with _no_room():
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) or 0 :]
        if before // _GIVE_WAY_BYTES != self.size // _GIVE_WAY_BYTES:
            self._give_way()
        return len(data)

    def finish(self) -> None:
        """Keep it: from now on a crash does not lose it.

        Raises:
            StorageFullError: the disk is full.
        """
        with _no_room():
            os.fsync(self._file.fileno())
            self._part.rename(self._path)
        self._file.close()

    def abort(self) -> None:
        """Forget it."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    # What Werkzeug's form parser asks of a file behind a part.
    def seek(self, *_: Any) -> int:
        """Return to the beginning: the part stays where it is written."""
        return 0

    def close(self) -> None:
        """Leave it to `finish` or `abort`."""


class _no_room:  # noqa: N801 - used like a function
    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise StorageFullError(f"the upload could not be written: {error.strerror}") from error


class Claim:
    """The right to work on an upload, until `release` or the end of the process."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file

    @property
    def is_mark(self) -> bool:
        """Whether it is a mark and no upload."""
        return os.fstat(self._file.fileno()).st_size == 0

    def release(self) -> None:
        """Let somebody else have it."""
        self._file.close()


class Spool:
    """The folder of the uploads, readable by its owner alone.

    Args:
        folder: made at the first use.
        max_bytes: the most that an upload may have.
        opener: makes a file.
        give_way: see Upload.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        opener: Callable[[Path], BinaryIO] = _open_new,
        give_way: Callable[[], object] = runtime.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self.max_bytes = max_bytes
        self._opener = opener
        self._give_way = give_way
        self._now = now

    def receive(self, scan_id: str) -> Upload:
        """Begin to receive an upload.

        Raises:
            StorageFullError: the disk is full.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Upload(self._path(scan_id), self.max_bytes, opener=self._opener, give_way=self._give_way)

    def mark(self, scan_id: str) -> None:
        """Note, with an empty file in place of an upload, that there is work for a scan whose findings are stored."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _no_room():
            self._path(scan_id).touch(mode=0o600)

    def waiting(self) -> Iterator[str]:
        """Yield the ids of the scans whose uploads are here."""
        if self._folder.is_dir():
            for path in sorted(self._folder.glob(f"*{WAITING}")):
                yield path.stem

    def claim(self, scan_id: str) -> Claim | None:
        """Return the right to work on an upload; None where another has it, or it is gone."""
        path = self._path(scan_id)
        try:
            file = path.open("rb")
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return Claim(path, file)

    def age(self, scan_id: str) -> float:
        """Return how long ago it was received, in seconds; 0 where it is gone."""
        try:
            return self._now() - self._path(scan_id).stat().st_mtime
        except OSError:
            return 0.0

    def remove(self, scan_id: str) -> None:
        """Delete an upload, if it is here."""
        self._path(scan_id).unlink(missing_ok=True)

    def clear_broken(self) -> None:
        """Delete what was only half received when a process ended; what is still being received is locked."""
        for path in self._folder.glob(f"*{COMING}") if self._folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # received or given up meanwhile
                if self._now() - path.stat().st_mtime > _LOCKED_SECONDS:
                    _unlink_if_free(path)

    def _path(self, scan_id: str) -> Path:
        return self._folder / f"{uuid.UUID(scan_id)}{WAITING}"


def _unlink_if_free(path: Path) -> None:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # it is being received
        path.unlink(missing_ok=True)
