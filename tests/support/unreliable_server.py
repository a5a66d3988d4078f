"""Run Jupiter over a SQLite file that fails and hangs as a file beside it says; every question is written down.

Run: python -m tests.support.unreliable_server CONTROL_FILE QUESTIONS_FILE; settings as for run.py.
"""

# ruff: noqa: E402 - patched before anything else is imported
import sys

from backend import runtime

runtime.patch("eventlet")

import json
from pathlib import Path
from typing import Any

from backend.config import load_settings
from backend.server import serve
from backend.storage.database import QueryResult
from backend.storage.sqlite import SqliteDatabase


class ToldDatabase:
    """A SQLite database that does what the control file says.

    That is JSON: `fail` and `hang` are lists of questions, each `operation` or `operation columns`, or `*` for all.
    """

    def __init__(self, inner: SqliteDatabase, control: Path, questions: Path) -> None:
        self._inner = inner
        self._control = control
        self._questions = questions.open("a", buffering=1)

    def execute_query(self, table: str, operation: Any, *, columns: str = "*", **more: Any) -> QueryResult:
        """Do as told."""
        asked = {"*", operation, f"{operation} {columns}"}
        self._questions.write(f"{table} {operation} {columns}\n")
        told = json.loads(self._control.read_text())
        while asked & set(told.get("hang", ())):
            runtime.sleep(0.05)
            told = json.loads(self._control.read_text())
        if asked & set(told.get("fail", ())):
            return QueryResult(success=False, data=[], error="SELECT secret: disk I/O error", response_time=0.0)
        return self._inner.execute_query(table, operation, columns=columns, **more)

    def close(self) -> None:
        """Close it."""
        self._inner.close()


def main() -> None:
    """Serve until a signal comes."""
    settings = load_settings(env_file=None)
    database = ToldDatabase(SqliteDatabase(settings.data_dir / "jupiter.sqlite3"), Path(sys.argv[1]), Path(sys.argv[2]))
    serve(settings, tell=_tell, replacements={"database": database})


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
