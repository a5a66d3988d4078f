"""Environment names on the left of the data, the settings' own names on the right."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate, validates_schema
from marshmallow import ValidationError as SchemaError

from backend.config.fields import POSITIVE, RATE, Address, Addresses, AlertAddresses, Names, OwnNames, Tags, Words
from backend.config.settings import MOST_WORKERS, SOURCES


class SettingsSchema(Schema):
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
    session_hours = fields.Float(data_key="JUPITER_SESSION_HOURS", validate=POSITIVE)
    rate_limit = fields.String(data_key="JUPITER_RATE_LIMIT", validate=RATE)
    event_rate_limit = fields.String(data_key="JUPITER_EVENT_RATE_LIMIT", validate=RATE)
    login_rate_limit = fields.String(data_key="JUPITER_LOGIN_RATE_LIMIT", validate=RATE)
    account_login_rate_limit = fields.String(data_key="JUPITER_ACCOUNT_LOGIN_RATE_LIMIT", validate=RATE)
    trusted_proxies = fields.Integer(data_key="JUPITER_TRUSTED_PROXIES", validate=validate.Range(0, 10))
    max_body_bytes = fields.Integer(data_key="JUPITER_MAX_BODY_BYTES", validate=validate.Range(min=1024))
    max_connections = fields.Integer(data_key="JUPITER_MAX_CONNECTIONS", validate=validate.Range(min=16))
    max_scan_bytes = fields.Integer(data_key="JUPITER_MAX_SCAN_BYTES", validate=validate.Range(min=1024))
    scan_rate_limit = fields.String(data_key="JUPITER_SCAN_RATE_LIMIT", validate=RATE)
    alert_urls = AlertAddresses(data_key="JUPITER_ALERT_URLS")
    workers = fields.Integer(data_key="JUPITER_WORKERS", validate=validate.Range(1, MOST_WORKERS))
    redis_url = fields.String(
        data_key="REDIS_URL",
        validate=validate.Regexp(r"^(redis|rediss|unix)://", error="must begin with redis://, rediss:// or unix://"),
    )
    enabled_sources = Names(SOURCES, data_key="JUPITER_SOURCES")
    pulse_feeds = Addresses(data_key="JUPITER_PULSE_FEEDS")
    pulse_refresh_seconds = fields.Float(data_key="JUPITER_PULSE_REFRESH_SECONDS", validate=POSITIVE)
    mastodon_servers = Addresses(data_key="JUPITER_MASTODON_SERVERS")
    mastodon_tags = Tags(data_key="JUPITER_MASTODON_TAGS")


class LLMSchema(Schema):
    provider = fields.String(
        data_key="JUPITER_LLM_PROVIDER", validate=validate.OneOf(["grok", "openai", "ollama", "compatible"])
    )
    model = fields.String(data_key="JUPITER_LLM_MODEL")
    models = Words(data_key="JUPITER_LLM_MODELS")
    base_url = Address(data_key="JUPITER_LLM_BASE_URL")
    api_key = fields.String(data_key="JUPITER_LLM_API_KEY")


class SupabaseSchema(Schema):
    url = Address(data_key="SUPABASE_URL")
    key = fields.String(data_key="SUPABASE_KEY")
    jwt_secret = fields.String(
        data_key="SUPABASE_JWT_SECRET",
        validate=validate.Length(min=32, error="must have at least 32 characters"),
    )
    db_url = fields.String(
        data_key="SUPABASE_DB_URL",
        validate=validate.Regexp(r"^postgres(ql)?://\S+$", error="must begin with postgres:// or postgresql://"),
    )

    @validates_schema
    def _both(self, data: dict[str, Any], **_: Any) -> None:
        for name, other in (("url", "key"), ("key", "url")):
            if other in data and name not in data:
                raise SchemaError(f"is needed where SUPABASE_{other.upper()} is set", f"SUPABASE_{name.upper()}")


class RecordSchema(Schema):
    experiment_types = OwnNames(data_key="JUPITER_EXPERIMENT_TYPES")
    experiment_statuses = OwnNames(data_key="JUPITER_EXPERIMENT_STATUSES", needed=("completed",))
    import_max_bytes = fields.Integer(data_key="JUPITER_IMPORT_MAX_BYTES", validate=validate.Range(1024, 2**30))
    outbox_max_bytes = fields.Integer(data_key="JUPITER_OUTBOX_MAX_BYTES", validate=validate.Range(4096, 2**40))


class GuardSchema(Schema):
    failure_threshold = fields.Integer(data_key="JUPITER_BREAKER_FAILURES", validate=validate.Range(min=1))
    open_seconds = fields.Float(data_key="JUPITER_BREAKER_OPEN_SECONDS", validate=POSITIVE)
    timeout_seconds = fields.Float(data_key="JUPITER_CALL_TIMEOUT_SECONDS", validate=POSITIVE)
    attempts = fields.Integer(data_key="JUPITER_CALL_ATTEMPTS", validate=validate.Range(1, 10))
    base_delay_seconds = fields.Float(data_key="JUPITER_RETRY_DELAY_SECONDS", validate=validate.Range(min=0))


def source_schema(name: str) -> Schema:
    prefix = f"JUPITER_SOURCE_{name.upper()}"
    made: dict[str, fields.Field[Any]] = {
        "url": Address(data_key=f"{prefix}_URL"),
        "mirror_url": Address(data_key=f"{prefix}_MIRROR_URL"),
        "key": fields.String(data_key=f"{prefix}_KEY"),
        "refresh_seconds": fields.Float(data_key=f"{prefix}_REFRESH_SECONDS", validate=validate.Range(min=0.1)),
    }
    return Schema.from_dict(made)()
