"""Experiments over a database with an outbox, with the clock of the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backend.cache.service import CacheService
from backend.dashboard.experiments.exporting import ExperimentExport
from backend.dashboard.experiments.importing import ExperimentImport
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.summary.service import SummaryService
from tests.unit.storage.outbox.world import World

BODY = {"name": "Port scan", "experiment_type": "security_scan"}


class Experiments(World):
    def __init__(self, folder: Path, **limits: Any) -> None:
        super().__init__(folder, **limits)
        self.cache = CacheService(clock=self.clock, random=lambda: 0.0)
        self.service = ExperimentService(
            self.database, self.stored, cache=self.cache, waiting=self.outbox, clock=self.clock
        )
        self.summaries = SummaryService(self.database, self.cache, self.stored, clock=self.clock)
        self.importing = ExperimentImport(self.service, self.database, self.stored, clock=self.clock)
        self.exporting = ExperimentExport(self.service)

    def create(self, *names: str, user: str = "ada", **more: Any) -> list[dict[str, Any]]:
        made = []
        for name in names:
            made.append(self.service.create(user, BODY | {"name": name} | more))
            self.clock.advance(1)
        return made

    def away(self) -> None:
        self.inner.fail_all()

    def back(self) -> None:
        self.inner.heal()
        self.clock.advance(120)
        self.replayer.replay()

    def listed(self, user: str = "ada", **query: Any) -> list[str]:
        return [row["name"] for row in self.service.list(user, query)["experiments"]]
