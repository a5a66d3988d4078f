"""What can be set: names, meanings and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = ("cisa_kev", "ghsa", "nvd", "epss", "misp", "urlhaus", "threatfox", "otx", "hacker_news", "mastodon")
DEFAULT_SOURCES = SOURCES
DEFAULT_FEEDS = (
    "https://www.cisa.gov/cybersecurity-advisories/all.xml",
    "https://feeds.feedburner.com/TheHackersNews",
    "https://www.bleepingcomputer.com/feed/",
    "https://krebsonsecurity.com/feed/",
    "https://www.securityweek.com/feed/",
)
DEFAULT_MASTODON_SERVERS = ("https://infosec.exchange", "https://mastodon.social")
DEFAULT_MASTODON_TAGS = ("infosec", "cve")
MOST_TAGS = 8
MOST_WORKERS = 64
EXPERIMENT_TYPES = ("security_scan", "chaos_drill", "ab_test", "benchmark")
EXPERIMENT_STATUSES = ("pending", "running", "completed", "failed", "cancelled")


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what would be right."""


@dataclass(frozen=True)
class SourceSettings:
    """What the environment says about one source; None leaves the source's own default."""

    url: str | None = None
    mirror_url: str | None = None
    key: str | None = field(default=None, repr=False)
    refresh_seconds: float | None = None


@dataclass(frozen=True)
class LLMSettings:
    """Which language model answers the chat, and which others may be chosen (all where none is named)."""

    provider: str = "grok"
    model: str | None = None
    models: tuple[str, ...] = ()
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class GuardSettings:
    """The guard's defaults for calls to sources and the model; times in seconds."""

    failure_threshold: int = 5
    open_seconds: float = 60.0
    timeout_seconds: float = 10.0
    attempts: int = 2
    base_delay_seconds: float = 0.5


@dataclass(frozen=True)
class SupabaseSettings:
    """The project that keeps rows and accounts; without url and key that is SQLite's business."""

    url: str | None = None
    key: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    db_url: str | None = field(default=None, repr=False)

    @property
    def given(self) -> bool:
        """Whether there is such a project."""
        return self.url is not None and self.key is not None


@dataclass(frozen=True)
class RecordSettings:
    """Experiments and the outbox; sizes in bytes."""

    experiment_types: tuple[str, ...] = EXPERIMENT_TYPES
    experiment_statuses: tuple[str, ...] = EXPERIMENT_STATUSES
    import_max_bytes: int = 5_242_880
    outbox_max_bytes: int = 67_108_864


@dataclass(frozen=True)
class Settings:
    """All that can be set. See the README's table for meaning and defaults."""

    host: str = "127.0.0.1"
    port: int = 5000
    data_dir: Path = Path("var")
    async_mode: str = "eventlet"
    admin_token: str | None = field(default=None, repr=False)
    log_level: str = "INFO"
    log_format: str = "auto"
    session_hours: float = 12.0
    rate_limit: str = "1200/minute"
    event_rate_limit: str = "240/minute"
    login_rate_limit: str = "20/minute"
    account_login_rate_limit: str = "5/minute"
    trusted_proxies: int = 0
    supabase: SupabaseSettings = SupabaseSettings()
    max_body_bytes: int = 262_144
    max_connections: int = 4096
    max_scan_bytes: int = 52_428_800
    scan_rate_limit: str = "30/minute"
    alert_urls: tuple[str, ...] = field(default=(), repr=False)
    workers: int = 1
    redis_url: str | None = field(default=None, repr=False)
    llm: LLMSettings = LLMSettings()
    guard: GuardSettings = GuardSettings()
    records: RecordSettings = RecordSettings()
    enabled_sources: tuple[str, ...] = DEFAULT_SOURCES
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    pulse_feeds: tuple[str, ...] = DEFAULT_FEEDS
    pulse_refresh_seconds: float = 300.0
    mastodon_servers: tuple[str, ...] = DEFAULT_MASTODON_SERVERS
    mastodon_tags: tuple[str, ...] = DEFAULT_MASTODON_TAGS
    demo: bool = False
    notices: tuple[str, ...] = ()

    def source(self, name: str) -> SourceSettings:
        """Return the settings of one source by its name, e.g. `cisa_kev`."""
        return self.sources.get(name, SourceSettings())
