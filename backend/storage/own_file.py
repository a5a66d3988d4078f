"""Files of this program that nobody else may read, and that several of its processes may open at once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Make directory and file, and let one at a time, of all threads and processes, open the file.

    Changing to WAL does not wait for others as statements do. The lock is on the directory: closing any other handle
    of the file itself would end SQLite's own locks. The file is made before SQLite makes it, so that it and its
    companions (-wal, -shm) have the mode.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        yield
    finally:
        os.close(directory)
