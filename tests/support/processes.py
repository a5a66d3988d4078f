"""Processes as the system sees them: from /proc where there is one, otherwise from ps."""

import subprocess
from pathlib import Path

PROC = Path("/proc")


def in_session(leader: int) -> list[int]:
    """Return the living processes of the session that `leader` began."""
    if (PROC / "self" / "stat").exists():
        rows = [_stat(folder) for folder in PROC.iterdir() if folder.name.isdecimal()]
        return [number for number, state, session in filter(None, rows) if session == leader and state != "Z"]
    # -g is the session's leader on BSD, where a session and its first process group share the number.
    told = _ps("-g", str(leader), "-o", "pid=,stat=")
    return [int(number) for number, state in (line.split() for line in told) if not state.startswith("Z")]


def resident_bytes(process: int) -> int:
    """Return the resident memory of one process."""
    status = PROC / str(process) / "status"
    if status.exists():
        row = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(row.split()[1]) * 1024
    return int(_ps("-o", "rss=", "-p", str(process))[0]) * 1024


def _stat(folder: Path) -> tuple[int, str, int] | None:
    try:
        text = (folder / "stat").read_text()
    except OSError:  # it ended while we looked
        return None
    state, _parent, _group, session = text.rpartition(")")[2].split()[:4]
    return int(folder.name), state, int(session)


def _ps(*options: str) -> list[str]:
    return subprocess.run(["ps", *options], check=False, capture_output=True, text=True).stdout.splitlines()
