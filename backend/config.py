"""Settings: read from the environment once, checked, frozen.

A value that cannot be used stops the start with the setting's name in the message. An unknown name that begins with
JUPITER_ is told at the start: a misspelt setting that is silently ignored is found at night.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from marshmallow import Schema, fields, validate, validates_schema
from marshmallow import ValidationError as SchemaError

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
_POSITIVE = validate.Range(min=0, min_inclusive=False)
_RATE = validate.Regexp(
    r"^[1-9]\d*/(second|minute|hour)$", error="must be a number, a slash and second, minute or hour, like 60/minute"
)
_ADDRESS = re.compile(r"^https?://[^\s/]+(/\S*)?$")


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
    """Which language model answers the chat."""

    provider: str = "grok"
    model: str | None = None
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

    @property
    def given(self) -> bool:
        """Whether there is such a project."""
        return self.url is not None and self.key is not None


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
    workers: int = 1
    redis_url: str | None = field(default=None, repr=False)
    llm: LLMSettings = LLMSettings()
    guard: GuardSettings = GuardSettings()
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


class _Addresses(fields.String):
    """One or several http(s) addresses, parted by blanks or commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        addresses = tuple(str(value).replace(",", " ").split())
        for address in addresses:
            if not _ADDRESS.match(address):
                raise SchemaError(f"{address!r} is not an http or https address")
        return addresses


class _Address(_Addresses):
    """One http(s) address."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        addresses = super()._deserialize(value, *args, **kwargs)
        if len(addresses) != 1:
            raise SchemaError("must be one http or https address")
        return addresses[0]


class _Names(fields.String):
    """Names out of a known set, parted by blanks or commas."""

    def __init__(self, known: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self._known = known

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        names = tuple(str(value).replace(",", " ").split())
        unknown = [name for name in names if name not in self._known]
        if unknown:
            raise SchemaError(f"does not know {', '.join(unknown)}; known are {', '.join(self._known)}")
        return names


class _Tags(fields.String):
    """Tags, with or without their #, parted by blanks or commas."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        tags = tuple(tag.removeprefix("#") for tag in str(value).replace(",", " ").split())
        wrong = [tag for tag in tags if not re.fullmatch(r"\w{1,100}", tag)]
        if wrong or not 0 < len(tags) <= MOST_TAGS:
            raise SchemaError(f"must be one to {MOST_TAGS} tags of letters, digits and _, like infosec cve")
        return tags


class _SettingsSchema(Schema):
    """Environment names on the left of the data, Settings' own names on the right."""

    host = fields.String(data_key="JUPITER_HOST")
    port = fields.Integer(data_key="JUPITER_PORT", validate=validate.Range(0, 65535))
    data_dir = fields.String(data_key="JUPITER_DATA_DIR")
    async_mode = fields.String(
        data_key="JUPITER_ASYNC_MODE", validate=validate.OneOf(["eventlet", "gevent", "threading"])
    )
    admin_token = fields.String(
        data_key="JUPITER_ADMIN_TOKEN",
        validate=validate.Length(min=16, error="must have at least 16 characters"),
    )
    log_level = fields.String(
        data_key="JUPITER_LOG_LEVEL", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
    )
    log_format = fields.String(data_key="JUPITER_LOG_FORMAT", validate=validate.OneOf(["auto", "text", "json"]))
    session_hours = fields.Float(data_key="JUPITER_SESSION_HOURS", validate=_POSITIVE)
    rate_limit = fields.String(data_key="JUPITER_RATE_LIMIT", validate=_RATE)
    event_rate_limit = fields.String(data_key="JUPITER_EVENT_RATE_LIMIT", validate=_RATE)
    login_rate_limit = fields.String(data_key="JUPITER_LOGIN_RATE_LIMIT", validate=_RATE)
    account_login_rate_limit = fields.String(data_key="JUPITER_ACCOUNT_LOGIN_RATE_LIMIT", validate=_RATE)
    trusted_proxies = fields.Integer(data_key="JUPITER_TRUSTED_PROXIES", validate=validate.Range(0, 10))
    max_body_bytes = fields.Integer(data_key="JUPITER_MAX_BODY_BYTES", validate=validate.Range(min=1024))
    max_connections = fields.Integer(data_key="JUPITER_MAX_CONNECTIONS", validate=validate.Range(min=16))
    workers = fields.Integer(data_key="JUPITER_WORKERS", validate=validate.Range(1, MOST_WORKERS))
    redis_url = fields.String(
        data_key="REDIS_URL",
        validate=validate.Regexp(r"^(redis|rediss|unix)://", error="must begin with redis://, rediss:// or unix://"),
    )
    enabled_sources = _Names(SOURCES, data_key="JUPITER_SOURCES")
    pulse_feeds = _Addresses(data_key="JUPITER_PULSE_FEEDS")
    pulse_refresh_seconds = fields.Float(data_key="JUPITER_PULSE_REFRESH_SECONDS", validate=_POSITIVE)
    mastodon_servers = _Addresses(data_key="JUPITER_MASTODON_SERVERS")
    mastodon_tags = _Tags(data_key="JUPITER_MASTODON_TAGS")


class _LLMSchema(Schema):
    provider = fields.String(
        data_key="JUPITER_LLM_PROVIDER", validate=validate.OneOf(["grok", "openai", "ollama", "compatible"])
    )
    model = fields.String(data_key="JUPITER_LLM_MODEL")
    base_url = _Address(data_key="JUPITER_LLM_BASE_URL")
    api_key = fields.String(data_key="JUPITER_LLM_API_KEY")


class _SupabaseSchema(Schema):
    url = _Address(data_key="SUPABASE_URL")
    key = fields.String(data_key="SUPABASE_KEY")
    jwt_secret = fields.String(data_key="SUPABASE_JWT_SECRET")

    @validates_schema
    def _both(self, data: dict[str, Any], **_: Any) -> None:
        for name, other in (("url", "key"), ("key", "url")):
            if other in data and name not in data:
                raise SchemaError(f"is needed where SUPABASE_{other.upper()} is set", f"SUPABASE_{name.upper()}")


class _GuardSchema(Schema):
    failure_threshold = fields.Integer(data_key="JUPITER_BREAKER_FAILURES", validate=validate.Range(min=1))
    open_seconds = fields.Float(data_key="JUPITER_BREAKER_OPEN_SECONDS", validate=_POSITIVE)
    timeout_seconds = fields.Float(data_key="JUPITER_CALL_TIMEOUT_SECONDS", validate=_POSITIVE)
    attempts = fields.Integer(data_key="JUPITER_CALL_ATTEMPTS", validate=validate.Range(1, 10))
    base_delay_seconds = fields.Float(data_key="JUPITER_RETRY_DELAY_SECONDS", validate=validate.Range(min=0))


def _source_schema(name: str) -> Schema:
    prefix = f"JUPITER_SOURCE_{name.upper()}"
    made: dict[str, fields.Field[Any]] = {
        "url": _Address(data_key=f"{prefix}_URL"),
        "mirror_url": _Address(data_key=f"{prefix}_MIRROR_URL"),
        "key": fields.String(data_key=f"{prefix}_KEY"),
        "refresh_seconds": fields.Float(data_key=f"{prefix}_REFRESH_SECONDS", validate=validate.Range(min=0.1)),
    }
    return Schema.from_dict(made)()


def load_settings(environ: Mapping[str, str] | None = None, *, env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings.

    Args:
        environ: in place of the process's environment.
        env_file: a file of NAME=value lines that fills what the environment leaves out; None for none.

    Raises:
        SettingsError: a value is wrong.
    """
    given = _given(os.environ if environ is None else environ, env_file)
    names: set[str] = set()
    values = _load(_SettingsSchema(), given, names)
    if "data_dir" in values:
        values["data_dir"] = Path(values["data_dir"])
    llm = LLMSettings(**_load(_LLMSchema(), given, names))
    supabase = SupabaseSettings(**_load(_SupabaseSchema(), given, names))
    guard = GuardSettings(**_load(_GuardSchema(), given, names))
    sources = {name: SourceSettings(**_load(_source_schema(name), given, names)) for name in SOURCES}
    return Settings(**values, llm=llm, supabase=supabase, guard=guard, sources=sources, notices=_unknown(given, names))


def _given(environ: Mapping[str, str], env_file: Path | None) -> dict[str, str]:
    """The environment over the file; an empty value counts as not set."""
    filled: Mapping[str, str | None] = dotenv_values(env_file) if env_file and env_file.is_file() else {}
    merged = {**filled, **environ}
    return {name: value.strip() for name, value in merged.items() if value and value.strip()}


def _load(schema: Schema, given: Mapping[str, str], names: set[str]) -> dict[str, Any]:
    own = {str(made.data_key) for made in schema.fields.values()}
    names |= own
    try:
        return dict(schema.load({name: value for name, value in given.items() if name in own}))
    except SchemaError as error:
        told = "; ".join(f"{name}: {' '.join(map(str, faults))}" for name, faults in error.messages_dict.items())
        raise SettingsError(told) from None


def _unknown(given: Mapping[str, str], names: set[str]) -> tuple[str, ...]:
    notices = []
    for name in sorted(name for name in given if name.startswith("JUPITER_") and name not in names):
        nearest = get_close_matches(name, names, 1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        notices.append(f"{name} is ignored, there is no such setting{hint}")
    return tuple(notices)
