"""Scans, alerts and what is watched, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from backend.app.adapters import Adapters
from backend.app.kit import Kit
from backend.config import Settings
from backend.dashboard.alerts.service import AlertService
from backend.dashboard.alerts.threat_watch import ThreatWatch
from backend.dashboard.alerts.watch_list import WatchList
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.pulse.service import PulseService
from backend.dashboard.scans.join import Intelligence, Joiner
from backend.dashboard.scans.runner import ScanRunner
from backend.dashboard.scans.service import ScanService
from backend.dashboard.scans.store import ScanStore
from backend.dashboard.scans.triage import Triage
from backend.dashboard.threats.service import ThreatService
from backend.monitoring.alert_delivery import AlertDelivery
from backend.monitoring.alerts import AlertBook
from backend.notify.apprise_notifier import AppriseNotifier
from backend.realtime.broadcaster import Broadcaster
from backend.resilience.guard import Guard, Policy
from backend.scans.spool import Spool

FEATURE = "scan_processing"
UPLOADS_FOLDER = "scans"
ALL = 1_000_000


def make_triage(
    settings: Settings,
    kit: Kit,
    adapters: Adapters,
    broadcaster: Broadcaster,
    stored: Guard,
    *,
    threats: ThreatService,
    pulse: PulseService,
    experiments: ExperimentService,
    leads: Callable[[], bool] = lambda: True,
) -> Triage:
    """Put it together.

    Args:
        stored: the database's guard.
        leads: whether this process is the one that watches and delivers, where there are several.
    """
    reading = kit.guards.add("scan_reader", feature=FEATURE, policy=Policy(timeout=60.0, attempts=1))
    intelligence = Intelligence(
        lambda ids: threats.find(ids=ids, limit=len(ids)),
        lambda: threats.query({"limit": 1}),
        lambda: pulse.query({"window": "7d"}),
    )
    joiner, store = Joiner(intelligence), ScanStore(adapters.database, stored)
    watched = WatchList(adapters.database, stored)
    book = AlertBook(adapters.database, stored, delivers=bool(settings.alert_urls))

    def tell_of_scan(user: str, event: str, payload: Mapping[str, Any]) -> None:
        broadcaster.publish("scans", event, payload, user=user)

    def set_experiment(user: str, experiment: str, status: str) -> None:
        experiments.update(user, experiment, {"status": status})

    runner = ScanRunner(
        store, reading, joiner, tell_of_scan, set_experiment=set_experiment, done=lambda _: watch.changed()
    )
    scans = ScanService(
        Spool(settings.data_dir / UPLOADS_FOLDER, settings.max_scan_bytes),
        store,
        runner,
        experiments,
        tell_of_scan,
        admit=lambda: reading.call(lambda: None),
        deleted=lambda user, scan_id: watch.forget(user, scan_id),  # noqa: PLW0108 - it is made below
    )
    watch = ThreatWatch(
        intelligence,
        joiner,
        store,
        watched,
        book,
        exploited=lambda: [record for record in threats.find(limit=ALL) if record.get("known_exploited")],
        incomplete=scans.join_again_where_incomplete,
        leads=leads,
    )
    threats.subscribe(watch.touch)
    alerts = AlertService(book, lambda user, event, payload: broadcaster.publish("alerts", event, payload, user=user))
    return Triage(scans, watched, alerts, watch, _delivery(settings, kit, book, leads))


def _delivery(settings: Settings, kit: Kit, book: AlertBook, leads: Callable[[], bool]) -> AlertDelivery | None:
    """A receiver that is away says nothing about scans: it never counts for the feature."""
    if not settings.alert_urls:
        return None
    guard = kit.guards.add(
        "alert_delivery", feature=FEATURE, policy=replace(Policy(), attempts=1, timeout=30.0), essential=False
    )
    return AlertDelivery(book, AppriseNotifier(settings.alert_urls), guard, leads=leads)
