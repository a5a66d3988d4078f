"""The use cases, put together over the adapters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.app.adapters import Adapters
from backend.app.kit import Kit, database_policy, upstream_policy
from backend.app.records import make_records, outbox_guard, rules_of
from backend.app.triage import make_triage
from backend.app.workers import Workers
from backend.config import Settings
from backend.dashboard.chat.models import ModelCatalogue
from backend.dashboard.chat.service import ChatService
from backend.dashboard.experiments.service import ExperimentService
from backend.dashboard.jupiter_dashboard import JupiterDashboard
from backend.dashboard.pulse.service import PulseService
from backend.dashboard.status import StatusService
from backend.dashboard.summary.service import SummaryService
from backend.dashboard.threats.service import ThreatService
from backend.dashboard.threats.shelf import ThreatShelf
from backend.llm.timeouts import Timeouts
from backend.monitoring.checks import Checks
from backend.monitoring.health import Health
from backend.realtime.broadcaster import Broadcaster
from backend.sources.base import PulseSource, ThreatSource
from backend.sources.registry import pulse_sources, threat_sources
from backend.storage.snapshot_file import SnapshotFile

PULSE_FILE = "pulse.json"
THREATS_FOLDER = "threats"


def make_dashboard(
    settings: Settings, kit: Kit, adapters: Adapters, broadcaster: Broadcaster, workers: Workers | None = None
) -> JupiterDashboard:
    """Put the use cases together; with those of other workers, where there are."""
    guards, database = kit.guards, adapters.database
    policy = upstream_policy(settings.guard)
    stored = outbox_guard(guards.add("database", feature="dashboard_data", policy=database_policy(policy)))
    experiments = ExperimentService(
        database, stored, cache=adapters.cache, waiting=database.outbox, rules=rules_of(settings)
    )
    records = make_records(kit, database, stored, experiments)
    timeouts = Timeouts.scaled(settings.guard.timeout_seconds)
    model = guards.add("llm", feature="grok_chat", policy=timeouts.policy(policy))
    listing = guards.add("llm_models", feature="grok_chat", policy=policy, essential=False)
    threats = ThreatService(
        _threat_sources(settings, adapters, workers),
        guards=guards,
        policy=policy,
        shelf=ThreatShelf(settings.data_dir / THREATS_FOLDER),
    )
    pulse = PulseService(
        _pulse_sources(settings, adapters, workers),
        guards=guards,
        policy=policy,
        names=threats.names,
        has_threat=threats.has,
        kept=SnapshotFile(settings.data_dir / PULSE_FILE),
    )
    pulse.subscribe(lambda _: threats.hear(pulse.mentions()))
    if workers is not None:
        workers.wake_with(threats.wake, pulse.wake)
    checks = Checks(guards, database, adapters.cache, adapters.llm, ledgers=(threats.ledger, pulse.ledger))
    status = StatusService(
        guards.feature_status, kit.aggregator, Health({**checks.all(), "outbox": records.outbox.check})
    )
    chat = ChatService(
        database,
        adapters.llm,
        model,
        threats_find=threats.find,
        status=status.status,
        pulse=pulse.query,
        models=ModelCatalogue(adapters.llm, listing, allowed=settings.llm.models),
        feature_status=lambda: _brief(guards.feature_status()["grok_chat"]),
        emit=lambda user, event, payload: broadcaster.publish("chat", event, payload, user=user),
        elsewhere=workers.answers if workers else None,
        storage_guard=stored,
        record_error=kit.aggregator.record_error,
    )
    triage = make_triage(
        settings,
        kit,
        adapters,
        broadcaster,
        stored,
        threats=threats,
        pulse=pulse,
        experiments=experiments,
        leads=(lambda: workers.lead.held) if workers else lambda: True,
    )
    return JupiterDashboard(
        threats=threats,
        pulse=pulse,
        chat=chat,
        summaries=SummaryService(database, adapters.cache, stored, rules=rules_of(settings)),
        experiments=experiments,
        records=records,
        status=status,
        triage=triage,
    )


def _brief(feature: Mapping[str, Any]) -> dict[str, Any]:
    return {name: feature[name] for name in ("enabled", "circuit_breaker", "failures")}


def _threat_sources(settings: Settings, adapters: Adapters, workers: Workers | None) -> list[ThreatSource]:
    sources = threat_sources(settings, adapters.fetcher)
    return sources if workers is None else workers.share_threats(sources)


def _pulse_sources(settings: Settings, adapters: Adapters, workers: Workers | None) -> list[PulseSource]:
    sources = pulse_sources(settings, adapters.fetcher)
    return sources if workers is None else workers.share_pulse(sources)
