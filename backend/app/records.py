"""The database with its outbox, put together round the guard."""

from __future__ import annotations

from typing import cast

from backend.app.kit import Kit
from backend.config import Settings
from backend.dashboard.audit.log import AuditLog
from backend.dashboard.experiments.exporting import ExperimentExport
from backend.dashboard.experiments.importing import ExperimentImport
from backend.dashboard.experiments.service import TABLE, ExperimentService
from backend.dashboard.outbox import OutboxService
from backend.dashboard.records import Records
from backend.resilience.events import BreakerChanged
from backend.resilience.guard import Guard
from backend.schemas.experiments import ExperimentRules
from backend.storage.database import Database
from backend.storage.outbox.database import OutboxDatabase
from backend.storage.outbox.guard import OutboxGuard
from backend.storage.outbox.outbox import Outbox
from backend.storage.outbox.replayer import Replayed, Replayer

OUTBOX_FILE = "outbox.sqlite3"


def with_outbox(settings: Settings, database: Database) -> OutboxDatabase:
    """Return the database with an outbox in the data directory."""
    return OutboxDatabase(
        database, Outbox(settings.data_dir / OUTBOX_FILE, max_bytes=settings.records.outbox_max_bytes)
    )


def outbox_guard(guard: Guard) -> Guard:
    """Return the database's guard as the use cases need it: what it rejects may go to the outbox."""
    return cast(Guard, OutboxGuard(guard))  # it does what a guard does, and has what a guard has


def rules_of(settings: Settings) -> ExperimentRules:
    """Return which types and statuses of experiments there are."""
    return ExperimentRules(settings.records.experiment_types, settings.records.experiment_statuses)


def make_records(kit: Kit, database: OutboxDatabase, stored: Guard, experiments: ExperimentService) -> Records:
    """Put them together; `stored` is the guard of `outbox_guard`."""
    replayer = Replayer(database.outbox, database.inner, kit.guards["database"])

    def told(one: Replayed) -> None:
        if one.table == TABLE and one.owner:
            experiments.changed(one.owner, "replayed")

    def saw(event: BreakerChanged) -> None:
        if event.name == "database" and event.new == "closed":
            replayer.wake()

    replayer.subscribe(told)
    kit.listeners.subscribe(saw, BreakerChanged)
    outbox = OutboxService(database.outbox, replayer, AuditLog(database, stored))
    importing = ExperimentImport(experiments, database, stored)
    return Records(stored, replayer, outbox, importing, ExperimentExport(experiments))
