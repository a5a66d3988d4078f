"""Who may come in: tokens, sessions, limits, the door."""

from __future__ import annotations

from dataclasses import dataclass

from limits.storage import Storage

from backend.config import Settings
from backend.security.door import Door
from backend.security.limits import RateLimiter
from backend.security.secrets import kept_secret, private_directory
from backend.security.sessions import Sessions
from backend.security.tokens import Tokens


@dataclass
class Security:
    """What decides who may come in."""

    tokens: Tokens
    sessions: Sessions
    limiter: RateLimiter
    door: Door


def make_security(settings: Settings, counters: Storage | None = None) -> Security:
    """Build it from the settings; with the counters of the rate limits, where they are not those of this process."""
    tokens = make_tokens(settings)
    sessions = Sessions(tokens, settings.session_hours * 3600)
    limiter = RateLimiter(
        {
            "requests": settings.rate_limit,
            "events": settings.event_rate_limit,
            "connects": settings.event_rate_limit,
            "logins": settings.login_rate_limit,
            "account_logins": settings.account_login_rate_limit,
            "refused": settings.rate_limit,
            "uploads": settings.scan_rate_limit,
        },
        counters=counters,
    )
    return Security(tokens, sessions, limiter, Door(tokens, sessions, limiter))


def make_tokens(settings: Settings) -> Tokens:
    """Return what issues and checks tokens for this data directory."""
    private_directory(settings.data_dir)
    return Tokens(secret_key(settings), admin_token(settings))


def admin_token(settings: Settings) -> str:
    """Return the administrator's token: that of the settings, or one made and kept."""
    return settings.admin_token or kept_secret(settings.data_dir / "admin_token")


def secret_key(settings: Settings) -> str:
    """Return the key of all signatures, made at the first start."""
    return kept_secret(private_directory(settings.data_dir) / "secret_key")
