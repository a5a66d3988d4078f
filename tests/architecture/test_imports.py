"""The rooms know only whom they may know."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_import_contracts_hold():
    code = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_only_runtime_names_the_async_libraries():
    users = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "backend").rglob("*.py")
        if any(
            line.strip().startswith((f"import {name}", f"from {name}"))
            for line in path.read_text().splitlines()
            for name in ("eventlet", "gevent")
        )
    ]
    assert {str(Path(user).parent) for user in users} == {"backend/runtime"}


def test_the_benchmarks_start_as_python_is():
    """Half patched, a client of theirs waits for itself for ever."""
    code = "import bench.__main__, socket, sys; sys.exit(socket.socket.__module__ != 'socket')"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
