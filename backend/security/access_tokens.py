"""Supabase's access tokens, checked here without asking anybody (JWT, RFC 7519).

Which key checks a token follows from what kind it is, never from what it claims alone: ES256 and RS256 only with a
published key of that very kind, HS256 only with the shared secret and only where one is set, nothing else at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import jwt

from backend.errors import AuthenticationError, ForbiddenError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.security.principals import ROLES, Principal

AUDIENCE = "authenticated"
PUBLISHED = frozenset(("ES256", "RS256"))
LATE_CLOCK = 60.0  # seconds by which the service's clock may be ahead of ours
NO_ROLE = "Your account has no role here yet. An administrator can give you one."
_LONGEST = 8192
# times are checked below, against the clock that was passed in
_OPTIONS: Any = {"require": ["exp", "sub", "aud"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}


class Keys(Protocol):
    """Finds published keys; see `published_keys.py`."""

    def get_signing_key(self, kid: str) -> Any:
        """Return the key of that id, or raise AuthenticationError."""


class AccessTokens:
    """Checks access tokens.

    Args:
        keys: the published ones.
        secret: the shared one, where the project still signs with it.
    """

    def __init__(self, keys: Keys, secret: str | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._keys = keys
        self._secret = secret
        self._clock = clock

    def authenticate(self, token: str) -> Principal:
        """Tell whose token this is.

        Raises:
            AuthenticationError: it is nobody's, or has expired.
            ForbiddenError: its owner has no role here.
            DashboardError: no published key is known yet, and the service does not answer.
        """
        claims = self._claims(token)
        self._check_times(claims)
        subject, metadata = claims["sub"], claims.get("app_metadata")
        if not isinstance(subject, str) or not subject:
            raise AuthenticationError("the access token names nobody")
        role = metadata.get("role") if isinstance(metadata, Mapping) else None
        if role not in ROLES:
            raise ForbiddenError(f"no role in app_metadata of {subject}", message=NO_ROLE)
        issued_at = claims.get("iat")
        return Principal(
            subject,
            role,
            float(claims["exp"]),
            session_id=str(claims.get("session_id") or hashlib.sha256(token.encode()).hexdigest()[:32]),
            issued_at=float(issued_at) if isinstance(issued_at, int | float) else 0.0,
            name=str(claims.get("email") or ""),
            access=lambda: token,
        )

    def _claims(self, token: str) -> Mapping[str, Any]:
        if not token or len(token) > _LONGEST:
            raise AuthenticationError("no token, or one that is too long")
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm == "HS256" and self._secret:
                return jwt.decode(token, self._secret, algorithms=["HS256"], audience=AUDIENCE, options=_OPTIONS)
            if algorithm not in PUBLISHED:
                raise AuthenticationError(f"tokens signed with {str(algorithm)[:20]} are not taken")
            key = self._keys.get_signing_key(str(header.get("kid")))
            if key.algorithm_name != algorithm:
                raise AuthenticationError("the token's algorithm is not that of its key")
            return jwt.decode(token, key.key, algorithms=[algorithm], audience=AUDIENCE, options=_OPTIONS)
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise AuthenticationError(f"the access token is not valid: {error}") from None

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        ends, begins = claims["exp"], claims.get("nbf", 0)
        if not isinstance(ends, int | float) or isinstance(ends, bool) or now >= ends:
            raise AuthenticationError("the access token has expired")
        if not isinstance(begins, int | float) or begins > now + LATE_CLOCK:
            raise AuthenticationError("the access token is not valid yet")
