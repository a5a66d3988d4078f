"""The use cases with the adapters they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.app.kit import Kit, database_policy, upstream_policy
from backend.cache.redis_tier import RedisTier, connect
from backend.cache.service import CacheService
from backend.config import Settings
from backend.dashboard.chat import ChatService
from backend.dashboard.experiments import ExperimentService
from backend.dashboard.pulse import PulseService
from backend.dashboard.status import StatusService
from backend.dashboard.summary import SummaryService
from backend.dashboard.threats import ThreatService
from backend.llm.factory import make_provider
from backend.llm.provider import LLMProvider
from backend.monitoring.checks import Checks
from backend.monitoring.health import Health
from backend.realtime.broadcaster import Broadcaster
from backend.realtime.wiring import Services
from backend.resilience.breaker import CircuitBreaker
from backend.sources.fetcher import HttpFetcher, new_client
from backend.sources.registry import pulse_sources, threat_sources
from backend.storage.database import Database
from backend.storage.sqlite import SqliteDatabase

DATABASE_FILE = "jupiter.sqlite3"
REDIS_BREAK_SECONDS = 10.0


@dataclass(frozen=True)
class Adapters:
    """Everything that reaches outside."""

    database: Database
    llm: LLMProvider
    cache: CacheService
    fetcher: HttpFetcher


def make_adapters(settings: Settings, replaced: Mapping[str, Any]) -> Adapters:
    """Build the adapters that the settings name, but for those that are replaced by name."""
    return Adapters(
        database=replaced.get("database") or SqliteDatabase(settings.data_dir / DATABASE_FILE),
        llm=replaced.get("llm") or _provider(settings),
        cache=replaced.get("cache") or _cache(settings),
        fetcher=replaced.get("fetcher") or HttpFetcher(new_client(), timeout=settings.guard.timeout_seconds),
    )


def _provider(settings: Settings) -> LLMProvider:
    llm = settings.llm
    return make_provider(llm.provider, model=llm.model, base_url=llm.base_url, api_key=llm.api_key)


def _cache(settings: Settings) -> CacheService:
    if settings.redis_url is None:
        return CacheService()
    breaker = CircuitBreaker(1, REDIS_BREAK_SECONDS, name="redis")
    return CacheService(shared=RedisTier(connect(settings.redis_url), breaker))


def make_services(settings: Settings, kit: Kit, adapters: Adapters, broadcaster: Broadcaster) -> Services:
    """Put the use cases together."""
    guards, database = kit.guards, adapters.database
    policy = upstream_policy(settings.guard)
    stored = guards.add("database", feature="dashboard_data", policy=database_policy(policy))
    model = guards.add("llm", feature="grok_chat", policy=policy)
    threats = ThreatService(threat_sources(settings, adapters.fetcher), guards=guards, policy=policy)
    pulse = PulseService(
        pulse_sources(settings, adapters.fetcher),
        guards=guards,
        policy=policy,
        names=threats.names,
        has_threat=threats.has,
    )
    checks = Checks(guards, database, adapters.cache, adapters.llm, ledgers=(threats.ledger, pulse.ledger))
    status = StatusService(guards.feature_status, kit.aggregator, Health(checks.all()))
    chat = ChatService(
        database,
        adapters.llm,
        model,
        threats_find=threats.find,
        status=status.status,
        feature_status=lambda: _brief(guards.feature_status()["grok_chat"]),
        emit=lambda user, event, payload: broadcaster.publish("chat", event, payload, user=user),
        storage_guard=stored,
        record_error=kit.aggregator.record_error,
    )
    return Services(
        threats=threats,
        pulse=pulse,
        chat=chat,
        summaries=SummaryService(database, adapters.cache, stored),
        experiments=ExperimentService(database, stored, cache=adapters.cache),
        status=status,
    )


def _brief(feature: Mapping[str, Any]) -> dict[str, Any]:
    return {name: feature[name] for name in ("enabled", "circuit_breaker", "failures")}
