"""Run the tests: `python -m scripts.run_tests [a selection for pytest]`.

Without a selection everything, in two runs beside each other, because tests with real servers mostly wait. The second
run's report follows the first's. `python -m pytest` runs all of it in one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
SERVERS = "tests/integration"
BROWSER = f"{SERVERS}/test_browser_lane.py"
LANES = (
    ([SERVERS, f"--ignore={BROWSER}"],),
    (["tests", f"--ignore={SERVERS}", "--ignore=tests/browser"], [BROWSER]),
)


def main(selection: Sequence[str]) -> int:
    """Run what is selected, or everything; return pytest's exit status, the worst of all runs."""
    if selection:
        return subprocess.call(_command(selection), cwd=ROOT)
    with tempfile.TemporaryFile() as report:
        beside = subprocess.Popen(
            [sys.executable, "-m", "scripts.run_tests", "--lane", "1"],
            cwd=ROOT,
            stdout=report,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            statuses = [lane(0), beside.wait()]
        except BaseException:
            os.killpg(beside.pid, signal.SIGTERM)
            raise
        finally:
            _show(report)
    return max(statuses)


def lane(number: int) -> int:
    """Run one lane, its parts one after the other; return the worst status."""
    return max(subprocess.call(_command(["-p", "no:cacheprovider", *part]), cwd=ROOT) for part in LANES[number])


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _show(report: BinaryIO) -> None:
    report.seek(0)
    sys.stdout.flush()
    sys.stdout.buffer.write(report.read())
    sys.stdout.flush()


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(lane(int(given[1])) if given[:1] == ["--lane"] else main(given))
