"""Everything that reaches outside, as the settings name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.cache.redis_tier import RedisTier, connect
from backend.cache.service import CacheService
from backend.config import Settings
from backend.llm.factory import make_provider
from backend.llm.provider import LLMProvider
from backend.llm.timeouts import Timeouts
from backend.resilience.breaker import CircuitBreaker
from backend.sources.fetcher import HttpFetcher, new_client
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
    return make_provider(
        llm.provider,
        model=llm.model,
        base_url=llm.base_url,
        api_key=llm.api_key,
        timeouts=Timeouts.scaled(settings.guard.timeout_seconds),
    )


def _cache(settings: Settings) -> CacheService:
    if settings.redis_url is None:
        return CacheService()
    breaker = CircuitBreaker(1, REDIS_BREAK_SECONDS, name="redis")
    return CacheService(shared=RedisTier(connect(settings.redis_url), breaker))
