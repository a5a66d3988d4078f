"""Has what the sources gave survive a restart: brings it back at the start, writes what changed now and then."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backend.dashboard.sourcing.keeper import SourceKeeper
from backend.dashboard.sourcing.refresher import Wait
from backend.dashboard.threats.join import ThreatJoin
from backend.dashboard.threats.shelf import Kept, ThreatShelf

WRITE_SECONDS = 20.0


class Keeping:
    """Between the shelf, the join and the keepers.

    Args:
        write_seconds: time between two looks at what has changed.
        offload: runs reading and writing in a native thread.
        wait: see Refresher.
    """

    def __init__(
        self,
        shelf: ThreatShelf,
        join: ThreatJoin,
        keepers: Sequence[SourceKeeper],
        *,
        log: logging.Logger,
        offload: Callable[..., Any],
        wait: Wait,
        write_seconds: float = WRITE_SECONDS,
    ) -> None:
        self._shelf = shelf
        self._join = join
        self._keepers = tuple(keepers)
        self._log = log
        self._offload = offload
        self._wait = wait
        self._write_seconds = write_seconds
        self._written: dict[str, Mapping[str, Any]] = {}
        self._ended = threading.Event()
        self._told = False

    def start(self, spawn: Callable[..., Any], then: Callable[[], object]) -> None:
        """Bring back what was kept, call `then`, and go on writing."""
        self._ended.clear()
        spawn(self._run, then)

    def stop(self) -> None:
        """End, and write what is not written yet."""
        self._ended.set()
        self.write()

    def bring_back(self) -> None:
        """Show what the sources gave before the restart."""
        kept: dict[str, Kept] = {}
        for keeper in self._keepers:
            found = self._offload(self._shelf.take, keeper.line.name)
            if found is not None and not keeper.line.needs:
                kept[keeper.line.name] = found
        self._join.put_back({name: found.fragments for name, found in kept.items()})
        for keeper in self._keepers:
            name = keeper.line.name
            if name in kept:
                keeper.put_back(self._join.shown(name), kept[name].as_of, kept[name].validators)
                self._written[name] = self._join.given(name)

    def write(self) -> None:
        """Write what has changed since it was written."""
        for keeper in self._keepers:
            name, as_of, known = keeper.line.name, keeper.line.as_of, keeper.validators
            given = self._join.given(name)  # after the mark: one that is too old has something asked for again, no more
            if as_of is None or not given or self._written.get(name) is given:
                continue
            try:
                self._offload(self._shelf.put, name, Kept(given, as_of, known))
            except OSError as error:
                self._tell(error)
            else:
                self._written[name] = given

    def _run(self, then: Callable[[], object]) -> None:
        try:
            self.bring_back()
        except Exception:  # noqa: BLE001 - a head start that fails must not keep the sources from being asked
            self._log.exception("❌ What was kept of the last run could not be brought back")
        if self._ended.is_set():
            return
        then()
        while not self._ended.is_set():
            self._wait(self._ended, self._write_seconds)
            if not self._ended.is_set():
                self.write()

    def _tell(self, error: OSError) -> None:
        if not self._told:
            self._log.warning("⚠️ What the sources gave cannot be kept for the next start: %s", error.strerror or error)
        self._told = True
