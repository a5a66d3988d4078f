"""Secrets that Jupiter makes for itself, in files that only its own user can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def private_directory(path: Path) -> Path:
    """Make `path` (mode 700 where it is new) and return it.

    Raises:
        OSError: it cannot be made or written.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def kept_secret(path: Path) -> str:
    """Return the secret kept in `path`; make one of 256 bits there at the first call (mode 600).

    Several processes may call at once: the file appears whole, and all take the same.
    """
    if not path.exists():
        made = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another process was faster
        finally:
            made.unlink()
    return path.read_text().strip()
