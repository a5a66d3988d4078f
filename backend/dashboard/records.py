"""What looks after stored rows, for those who put it together."""

from __future__ import annotations

from dataclasses import dataclass

from backend.dashboard.experiments.exporting import ExperimentExport
from backend.dashboard.experiments.importing import ExperimentImport
from backend.dashboard.outbox import OutboxService
from backend.resilience.guard import Guard
from backend.storage.outbox.replayer import Replayer


@dataclass(frozen=True)
class Records:
    """The outbox with its replayer, and files of experiments.

    `stored` is the database's guard for use cases that write: what it rejects may go to the outbox.
    """

    stored: Guard
    replayer: Replayer
    outbox: OutboxService
    importing: ExperimentImport
    exporting: ExperimentExport
