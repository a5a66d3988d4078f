"""Keeps what the pulse knows over a restart, in a file beside the process; see pulse_memory for why there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from backend.dashboard.pulse.items import ItemStore
from backend.dashboard.pulse.memory import Fortune, Memory, read, written
from backend.dashboard.sourcing.line import SourceLine
from backend.errors import DashboardError
from backend.resilience.clock import SYSTEM_CLOCK, Clock

SAVE_SECONDS = 60.0
_log = logging.getLogger("jupiter.pulse")


class Document(Protocol):
    """Where the document is kept; `storage.snapshot_file.SnapshotFile` is one."""

    def load(self, read: Callable[[Any], Any]) -> Any:
        """Return what `read` makes of it, None where there is none that can be used."""

    def save(self, make: Callable[[], Any]) -> None:
        """Replace it."""


class PulseArchive:
    """Saves items and the sources' fortunes every minute in which something came, and takes them back at the start.

    Args:
        document: where; None keeps nothing.
        store: the items.
        lines: returns the lines of all sources.
        save_seconds: between two looks at whether something came.
    """

    def __init__(
        self,
        document: Document | None,
        store: ItemStore,
        lines: Callable[[], Sequence[SourceLine]],
        *,
        clock: Clock = SYSTEM_CLOCK,
        save_seconds: float = SAVE_SECONDS,
    ) -> None:
        self._document = document
        self._store = store
        self._lines = lines
        self._clock = clock
        self._save_seconds = save_seconds
        self._stopped = threading.Event()
        self._saved: object = None
        self._told = False

    def restore(self) -> int:
        """Take back what was saved and return how many items that is. Nothing that has come since is overwritten."""
        if self._document is None or self._store.all():
            return 0
        names = [line.name for line in self._lines()]
        memory: Memory | None = self._document.load(partial(read, names=names, now=self._clock.now()))
        if memory is None:
            return 0
        self._store.restore(memory.items, {name: fortune.shown for name, fortune in memory.sources.items()})
        for line in self._lines():
            fortune = memory.sources.get(line.name)
            if fortune is not None and line.as_of is None:
                line.as_of, line.records, line.title = fortune.as_of, fortune.records, fortune.title or line.title
        self._saved = self._state()
        _log.info("📊 %d items of the pulse are back from before the restart", len(memory.items))
        return len(memory.items)

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin to save."""
        self._stopped.clear()
        if self._document is not None:
            spawn(self._loop)

    def stop(self) -> None:
        """Save a last time and end."""
        self._stopped.set()
        self.save()

    def save(self) -> bool:
        """Save what there is, if anything came since the last time; tell whether that was done."""
        state = self._state()
        if self._document is None or state == self._saved or not any(line.as_of for line in self._lines()):
            return False
        try:
            self._document.save(partial(written, self._store.all(), self._fortunes()))
        except DashboardError as error:
            if not self._told:
                _log.warning("⚠️ The pulse cannot be kept over a restart: %s", error)
            self._told = True
            return False
        self._saved, self._told = state, False
        return True

    def _loop(self) -> None:
        while not self._stopped.wait(self._save_seconds):
            self.save()

    def _fortunes(self) -> dict[str, Fortune]:
        return {
            line.name: Fortune(line.title, line.as_of, line.records, self._store.shown(line.name))
            for line in self._lines()
            if line.as_of is not None
        }

    def _state(self) -> object:
        return self._store.version, tuple(line.as_of for line in self._lines())
