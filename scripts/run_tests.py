"""Run the tests: `python -m scripts.run_tests [a selection for pytest]`.

Without a selection everything, in lanes beside each other, because tests with real servers mostly wait. The reports of
the other lanes follow the first one's. `python -m pytest` runs all of it in one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
SERVERS = "tests/integration"
BROWSER = f"{SERVERS}/test_browser_lane.py"


def lanes() -> list[list[list[str]]]:
    """Return the lanes, each with the selections that it runs one after the other; both take about as long.

    Not more of them: on two processors a third one makes whatever is about time wait for the others.
    """
    others = ["tests", f"--ignore={SERVERS}", "--ignore=tests/browser"]
    beside = [BROWSER, *(str(file.relative_to(ROOT)) for file in sorted((ROOT / SERVERS).glob("test_workers_*.py")))]
    return [[[SERVERS, *(f"--ignore={file}" for file in beside)]], [others, beside]]


def main(selection: Sequence[str]) -> int:
    """Run what is selected, or everything; return pytest's exit status, the worst of all runs."""
    if selection:
        return subprocess.call(_command(selection), cwd=ROOT)
    with ExitStack() as opened:
        beside = []
        for number in range(1, len(lanes())):
            report = opened.enter_context(tempfile.TemporaryFile())
            opened.callback(_show, report)
            beside.append(_start(number, report))
        try:
            return max([lane(0), *(process.wait() for process in beside)])
        except BaseException:
            for process in beside:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)
            raise


def lane(number: int) -> int:
    """Run one lane, its parts one after the other; return the worst status."""
    return max(subprocess.call(_command(["-p", "no:cacheprovider", *part]), cwd=ROOT) for part in lanes()[number])


def _start(number: int, report: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scripts.run_tests", "--lane", str(number)]
    return subprocess.Popen(command, cwd=ROOT, stdout=report, stderr=subprocess.STDOUT, start_new_session=True)


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _show(report: IO[bytes]) -> None:
    report.seek(0)
    sys.stdout.flush()
    sys.stdout.buffer.write(report.read())
    sys.stdout.flush()


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(lane(int(given[1])) if given[:1] == ["--lane"] else main(given))
