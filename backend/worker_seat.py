"""Where a worker process sits: what its parent has given it, and the line between the two.

The parent gives the number, the listening socket and one end of a pair of sockets. The worker says on it that it is
ready; when the other end closes, the parent is gone, and the worker ends too.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

NUMBER, FILES, SINCE = "_JUPITER_WORKER", "_JUPITER_WORKER_FILES", "_JUPITER_FLEET_SINCE"


@dataclass(frozen=True)
class Seat:
    """A worker's place.

    Args:
        number: from 1; the one who takes over from a dead worker has its number.
        since: when the fleet was started, ISO 8601.
        listener: shared by all workers.
        line: to the parent.
    """

    number: int
    since: str
    listener: socket.socket
    line: socket.socket

    def say_ready(self, link: str) -> None:
        """Tell the parent that this worker serves."""
        self.line.sendall(f"{link}\n".encode())

    def watch(self, orphaned: Callable[[], object]) -> None:
        """Wait until the parent is gone; spawn this."""
        try:
            while self.line.recv(64):
                continue
        except OSError:  # a parent that was killed may also show as a broken line
            pass
        orphaned()


def seat(environ: Mapping[str, str] = os.environ) -> Seat | None:
    """Return this process's seat, None where it is no worker of ours. Once: the file descriptors are taken over."""
    if NUMBER not in environ:
        return None
    listener, line = (socket.socket(fileno=int(number)) for number in environ[FILES].split(","))
    return Seat(int(environ[NUMBER]), environ[SINCE], listener, line)


def is_worker(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this process is a worker of ours."""
    return NUMBER in environ


def is_parent(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Tell from the command line and the environment whether this process will start workers and serve nothing itself.

    Asked before anything is read or checked; a number in a .env file is found later, which does no harm.
    """
    wanted = environ.get("JUPITER_WORKERS", "1")
    for at, word in enumerate(arguments):
        if word == "--workers":
            wanted = next(iter(arguments[at + 1 :]), "1")
        elif word.startswith("--workers="):
            wanted = word.partition("=")[2]
    serves = not any(word.isalpha() and word != "serve" for word in arguments)
    return serves and wanted.strip() not in ("", "1") and not is_worker(environ)
