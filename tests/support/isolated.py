"""Run a command without any network but loopback, or inside the network of such a command. Linux only.

    python isolated.py new COMMAND...        in a new, empty network
    python isolated.py enter PID COMMAND...  in that of a process

Standard library only, and the system calls by hand: `unshare`, `nsenter` and `ip` are not everywhere.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
SET_FLAGS, UP = 0x8914, 0x1


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _new() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _check(libc.unshare(NEW_NETWORK))
    except OSError:  # not root: in a user namespace of our own we are
        user, group = os.getuid(), os.getgid()
        _check(libc.unshare(NEW_USER | NEW_NETWORK))
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sH14s", b"lo", UP, b""))


def _enter(process: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for kind in ("user", "net"):
        theirs, ours = Path(f"/proc/{process}/ns/{kind}"), Path(f"/proc/self/ns/{kind}")
        if theirs.readlink() != ours.readlink():
            with theirs.open() as namespace:
                _check(libc.setns(namespace.fileno(), 0))


def main() -> None:
    """Change the network, then become the command."""
    if sys.argv[1] == "new":
        _new()
        command = sys.argv[2:]
    else:
        _enter(int(sys.argv[2]))
        command = sys.argv[3:]
    os.execvp(command[0], command)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
