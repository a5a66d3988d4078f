"""Everything that reaches outside, as the settings name it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.app.records import with_outbox
from backend.cache.redis_tier import RedisTier, connect
from backend.cache.service import CacheService
from backend.config import Settings
from backend.llm.factory import make_provider
from backend.llm.provider import LLMProvider
from backend.llm.timeouts import Timeouts
from backend.resilience.breaker import CircuitBreaker
from backend.security import acting
from backend.sources.fetcher import HttpFetcher, new_client
from backend.storage.database import Database
from backend.storage.outbox.database import OutboxDatabase
from backend.storage.sqlite import SqliteDatabase
from backend.storage.supabase import SupabaseDatabase
from backend.storage.tables import OWNED

DATABASE_FILE = "jupiter.sqlite3"
REDIS_BREAK_SECONDS = 10.0


@dataclass(frozen=True)
class Adapters:
    """Everything that reaches outside."""

    database: OutboxDatabase
    llm: LLMProvider
    cache: CacheService
    fetcher: HttpFetcher


def make_adapters(settings: Settings, replaced: Mapping[str, Any]) -> Adapters:
    """Build the adapters that the settings name, but for those that are replaced by name."""
    return Adapters(
        database=with_outbox(settings, replaced.get("database") or make_database(settings)),
        llm=replaced.get("llm") or _provider(settings),
        cache=replaced.get("cache") or _cache(settings),
        fetcher=replaced.get("fetcher") or HttpFetcher(new_client(), timeout=settings.guard.timeout_seconds),
    )


def make_database(settings: Settings) -> Database:
    """Return the database without its outbox: Supabase's where it is configured, else SQLite in the data directory.

    What belongs to people is read and written with the token of the person acted for, so that row-level security holds;
    what belongs to the server, and what nobody asked for, with the project's secret key.
    """
    supabase = settings.supabase
    if supabase.url is not None and supabase.key is not None:
        return SupabaseDatabase(supabase.url, supabase.key, token=acting.access_token, owned=OWNED)
    return SqliteDatabase(settings.data_dir / DATABASE_FILE)


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
