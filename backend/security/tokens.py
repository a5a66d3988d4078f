"""Bearer tokens: the administrator's own, and signed ones with a role and an end (JWT, RFC 7519, HS256)."""

from __future__ import annotations

import hashlib
import hmac
import math
import uuid
from collections.abc import Callable
from functools import lru_cache

import jwt

from backend.errors import AuthenticationError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.security.principals import ROLES, Principal

ADMINISTRATOR = "admin"
_ISSUER = "jupiter"
_AUDIENCE = "jupiter"
_LONGEST = 8192
_REMEMBERED = 1024


class Tokens:
    """Issues and checks tokens.

    Args:
        secret: key of the signatures; whoever has it can make any token.
        admin_token: the token that is the administrator's.
        others: tells whose token it is where it is none of Jupiter's own; an account service's, for example.
    """

    def __init__(
        self,
        secret: str,
        admin_token: str,
        *,
        others: Callable[[str], Principal] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._secret = secret
        self._admin_token = admin_token.encode()
        self._clock = clock
        self.others = others
        self._verified = lru_cache(_REMEMBERED)(self._verify)  # a check costs as much as a cached answer
        self.admin_fingerprint = hashlib.sha256(b"jupiter-admin:" + self._admin_token).hexdigest()[:16]

    def issue(self, user_id: str, role: str, seconds: float) -> str:
        """Make a token for `user_id` with `role` that is good for `seconds`.

        Raises:
            ValueError: the role is unknown, the user's name is empty, or the time is none (infinity, NaN).
        """
        if role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}, not {role!r}")
        if not user_id.strip():
            raise ValueError("the user's name must not be empty")
        if not math.isfinite(seconds):
            raise ValueError(f"a token needs an end; {seconds} seconds is none")
        now = self._clock.now().timestamp()
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": user_id,
            "role": role,
            "iat": now,
            "exp": now + seconds,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def authenticate(self, token: str) -> Principal:
        """Tell whose token this is.

        Raises:
            AuthenticationError: it is nobody's, or has expired.
        """
        if not token or len(token) > _LONGEST:
            raise AuthenticationError("no token, or one that is too long")
        if hmac.compare_digest(token.encode(), self._admin_token):
            return Principal(ADMINISTRATOR, "administrator", session_id=self.admin_fingerprint)
        if self.others is not None and not _is_own(token):
            return self.others(token)
        return self._signed(token)

    def _signed(self, token: str) -> Principal:
        principal = self._verified(token)
        if principal.expires_at is None or self._clock.now().timestamp() >= principal.expires_at:
            raise AuthenticationError("the token has expired")
        return principal

    def _verify(self, token: str) -> Principal:
        """Check everything that stays as it is: the signature and what the token says."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # the time is checked with each use, against the clock that was passed in
                options={"require": ["exp", "iat", "sub", "role", "jti"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise AuthenticationError(f"the token is not valid: {error}") from None
        role, expires_at = claims["role"], float(claims["exp"])
        if role not in ROLES:
            raise AuthenticationError("the token's role is unknown")
        identity, issued_at = claims["jti"], float(claims["iat"])
        return Principal(claims["sub"], role, expires_at, session_id=identity, issued_at=issued_at, at_most=True)


def _is_own(token: str) -> bool:
    """Whether the token says that it is Jupiter's own; its signature is checked as one of those then, and no other."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return True
    return claims.get("iss") == _ISSUER
