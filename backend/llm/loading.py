"""Loads the openai client without holding up the others.

Importing it takes half a second in one piece. `pause` is called between the modules that it consists of, so that
what else goes on in this thread goes on.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

_HEAVY = ("openai", "pydantic", "pydantic_core", "httpx2", "httpcore2", "anyio", "h11", "h2")


class _Pausing(MetaPathFinder):
    """Finds nothing; being asked before every import is its whole purpose."""

    def __init__(self, pause: Callable[[], object]) -> None:
        self._pause = pause

    def find_spec(self, fullname: str, _path: Any, _target: Any = None) -> None:
        if fullname.partition(".")[0] in _HEAVY:
            self._pause()


def load_client(pause: Callable[[], object] | None = None) -> ModuleType:
    """Return backend.llm.client, imported at the first use.

    Args:
        pause: called between the modules that are imported.
    """
    name = "backend.llm.client"
    loaded = sys.modules.get(name)
    if loaded is not None and not getattr(loaded.__spec__, "_initializing", False):
        return loaded
    if pause is None:
        return importlib.import_module(name)
    finder = _Pausing(pause)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(name)
    finally:
        sys.meta_path.remove(finder)
