"""A real database in memory's stead for use cases, that can be told to fail, to hang, and that counts its calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from backend.storage.database import Database, QueryResult


class FlakyDatabase:
    """Passes on to `inner` unless told otherwise.

    `failing` is asked for each call whether it fails; while `gate` is shut calls wait.
    """

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.calls: list[tuple[str, str, str]] = []
        self.failing: Callable[[str, str, str], bool] = lambda *_: False
        self.gate = threading.Event()
        self.gate.set()

    def execute_query(self, table: str, operation: Any, *, columns: str = "*", **more: Any) -> QueryResult:
        """Do what the inner database does, or fail."""
        call = (table, operation, columns)
        self.calls.append(call)
        if not self.gate.wait(20):
            raise AssertionError("the gate was never opened")
        if self.failing(*call):
            return QueryResult(success=False, data=[], error="SELECT secret: disk I/O error", response_time=0.0)
        return self._inner.execute_query(table, operation, columns=columns, **more)

    def close(self) -> None:
        """Close the inner one."""
        self._inner.close()

    def fail_all(self) -> None:
        """Let every call fail."""
        self.failing = lambda *_: True

    def heal(self) -> None:
        """Let calls succeed again."""
        self.failing = lambda *_: False
