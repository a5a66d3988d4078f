"""Loads the openai client without holding up the others.

Importing it takes half a second in one piece. `pause` is called between the modules that it consists of, so that
what else goes on in this thread goes on.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

_NAME = "backend.llm.client"
_HEAVY = ("openai", "pydantic", "pydantic_core", "httpx2", "httpcore2", "anyio", "h11", "h2")


class _Pausing(MetaPathFinder):
    """Finds nothing; being asked before every import is its whole purpose."""

    def __init__(self, pause: Callable[[], object]) -> None:
        self._pause = pause

    def find_spec(self, fullname: str, _path: Any, _target: Any = None) -> None:
        if fullname.partition(".")[0] in _HEAVY:
            self._pause()


_LOADING = threading.Lock()  # the import system's own locks do not tell the green threads of one thread apart


def load_client(pause: Callable[[], object] | None = None) -> ModuleType:
    """Return backend.llm.client, imported at the first use; who comes meanwhile waits for it.

    Args:
        pause: called between the modules that are imported.
    """
    with _LOADING:
        if pause is None or _NAME in sys.modules:
            return importlib.import_module(_NAME)
        finder = _Pausing(pause)
        sys.meta_path.insert(0, finder)
        try:
            return importlib.import_module(_NAME)
        finally:
            sys.meta_path.remove(finder)
