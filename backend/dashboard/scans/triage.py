"""Everything about scans and what follows from them, together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.dashboard.alerts.service import AlertService
from backend.dashboard.alerts.threat_watch import ThreatWatch
from backend.dashboard.alerts.watch_list import WatchList
from backend.dashboard.scans.service import ScanService
from backend.monitoring.alert_delivery import AlertDelivery


@dataclass(frozen=True)
class Triage:
    """Scans, watch lists, alerts, and what runs for them in the background."""

    scans: ScanService
    watched: WatchList
    alerts: AlertService
    watch: ThreatWatch
    delivery: AlertDelivery | None

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin the background work."""
        self.scans.start(spawn)
        self.watch.start(spawn)
        if self.delivery is not None:
            self.delivery.start(spawn)

    def stop(self) -> None:
        """End it; what is not finished is resumed at the next start."""
        self.scans.stop()
        self.watch.stop()
        if self.delivery is not None:
            self.delivery.stop()
