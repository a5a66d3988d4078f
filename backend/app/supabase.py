"""Supabase's accounts, put together: only imported where they are configured."""

from __future__ import annotations

from backend.app.kit import upstream_policy
from backend.app.security import Security, secret_key
from backend.config import Settings
from backend.dashboard.accounts.sealed_sessions import SealedSessions
from backend.dashboard.accounts.supabase import SupabaseAccounts, SupabaseSignIn
from backend.dashboard.accounts.supabase_sessions import SupabaseSessions
from backend.resilience.guard import Guards
from backend.resilience.policy import Policy
from backend.security.access_tokens import AccessTokens
from backend.security.attempts import Attempts
from backend.security.published_keys import PublishedKeys
from backend.security.sealed import Sealer
from backend.security.supabase_auth import SupabaseAuth
from backend.storage.database import Database
from backend.storage.supabase import new_client

LONGEST_WAIT = 5.0  # seconds for one answer: somebody sits at the sign-in page


def make_supabase(
    settings: Settings, guards: Guards, database: Database, security: Security, attempts: Attempts
) -> tuple[SupabaseAccounts, SupabaseSignIn]:
    """Return the store of accounts and the way in; access tokens are taken at every door from now on."""
    supabase, sessions = settings.supabase, security.sessions
    usual = upstream_policy(settings.guard)
    policy = Policy(
        failure_threshold=usual.failure_threshold,
        open_seconds=min(usual.open_seconds, 30.0),
        timeout=min(usual.timeout, LONGEST_WAIT),
        attempts=1,  # a refresh token is good once
    )
    guard = guards.add("supabase_auth", feature="dashboard_data", policy=policy, essential=False)
    auth = SupabaseAuth(str(supabase.url), str(supabase.key), client=new_client(timeout=policy.timeout), guard=guard)
    tokens = AccessTokens(PublishedKeys(auth.keys_address, auth.keys), supabase.jwt_secret)
    keeper = SupabaseSessions(
        auth,
        tokens,
        SealedSessions(database, guards["accounts"], Sealer(secret_key(settings), "sessions")),
        seconds=settings.session_hours * 3600,
        ended=lambda session_id, why: sessions.end(session_id, reason=why),
    )
    sessions.keeper = keeper
    security.tokens.others = tokens.authenticate
    return SupabaseAccounts(auth), SupabaseSignIn(auth, tokens, keeper, attempts)
