"""Accounts and sign-in, put together over the adapters."""

from __future__ import annotations

from dataclasses import dataclass

from backend.app.kit import database_policy, upstream_policy
from backend.app.security import Security
from backend.config import Settings
from backend.dashboard.accounts.local import LocalAccounts
from backend.dashboard.accounts.revocation_log import RevocationLog
from backend.dashboard.accounts.service import AccountService
from backend.dashboard.accounts.sign_in import LocalSignIn, SignIn
from backend.dashboard.accounts.store import AccountStore
from backend.dashboard.audit.log import AuditLog
from backend.dashboard.audit.trail import AuditTrail
from backend.resilience.guard import Guards
from backend.security.attempts import Attempts
from backend.security.passwords import Passwords
from backend.security.sessions import Sessions
from backend.storage.database import Database


@dataclass(frozen=True)
class Accounts:
    """Who there is, how they come in, and what was taken back."""

    service: AccountService
    sign_in: SignIn
    log: RevocationLog
    trail: AuditTrail
    sessions: Sessions


def make_accounts(settings: Settings, guards: Guards, database: Database, security: Security) -> Accounts:
    """Put them together: Supabase's accounts where it is configured, else Jupiter's own."""
    policy = database_policy(upstream_policy(settings.guard))
    guard = guards.add("accounts", feature="dashboard_data", policy=policy, essential=False)
    sessions = security.sessions
    log = RevocationLog(database, guard, sessions.revocations)
    sessions.recorded_by(log.record)
    attempts = Attempts(security.limiter)
    store: AccountStore
    sign_in: SignIn
    if settings.supabase.given:
        store, sign_in = _supabase(settings, guards, database, security, attempts)
    else:
        local = LocalAccounts(database, guard, Passwords())
        store, sign_in = local, LocalSignIn(local, attempts)
    return Accounts(
        service=AccountService(store, sessions, AuditLog(database, guard)),
        sign_in=sign_in,
        log=log,
        trail=AuditTrail(database, guard),
        sessions=sessions,
    )


def _supabase(
    settings: Settings, guards: Guards, database: Database, security: Security, attempts: Attempts
) -> tuple[AccountStore, SignIn]:
    """Put Supabase's accounts together, and take its access tokens at every door."""
    from backend.app.supabase import make_supabase  # noqa: PLC0415 - only who has Supabase needs it

    return make_supabase(settings, guards, database, security, attempts)
