"""Supabase Auth over HTTP: signing in, renewing, signing out, accounts. Every call through the guard, none retried.

The protocol: https://github.com/supabase/auth (GoTrue), under /auth/v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from backend.errors import NetworkError
from backend.resilience.guard import Guard
from backend.security.supabase_refusals import refusal

LARGEST = 4 * 1024 * 1024  # bytes of an answer
PAGE = 200


@dataclass(frozen=True)
class Grant:
    """What Auth gives for a sign-in; neither is ever logged."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


class SupabaseAuth:
    """The account service of a Supabase project.

    Args:
        url: of the project, SUPABASE_URL.
        key: the secret key, SUPABASE_KEY.
        client: HTTP/1.1, with timeouts of its own, that follows no redirects and retries nothing.
        guard: of the service.
    """

    def __init__(self, url: str, key: str, *, client: httpx.Client, guard: Guard) -> None:
        self._url = f"{url.rstrip('/')}/auth/v1"
        self._key = key
        self._client = client
        self._guard = guard

    @property
    def keys_address(self) -> str:
        """Where the keys are published."""
        return f"{self._url}/.well-known/jwks.json"

    def keys(self) -> Any:
        """Return the published keys."""
        return self._call("GET", "/.well-known/jwks.json")

    def sign_in(self, email: str, password: str) -> Grant:
        """Sign somebody in.

        Raises:
            AuthenticationError: e-mail and password do not belong together.
            RateLimitedError: too often.
            NetworkError: the service does not answer as it should, or refuses our key.
        """
        asked = {"email": email, "password": password}
        return _grant(self._call("POST", "/token?grant_type=password", asked))

    def renew(self, refresh: str) -> Grant:
        """Exchange a refresh token, which is good once, for a new pair.

        Raises:
            AuthenticationError: the service no longer stands behind the session.
            NetworkError: the service does not answer as it should.
        """
        return _grant(self._call("POST", "/token?grant_type=refresh_token", {"refresh_token": refresh}))

    def sign_out(self, access: str) -> None:
        """End the session of this access token there."""
        self._call("POST", "/logout?scope=local", {}, bearer=access)

    def users(self, page: int) -> list[Mapping[str, Any]]:
        """Return one page of accounts, the first is 1."""
        answer = self._call("GET", f"/admin/users?page={page:d}&per_page={PAGE}")
        found = answer.get("users") if isinstance(answer, Mapping) else None
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            raise NetworkError("the list of accounts cannot be read")
        return found

    def user(self, identity: str) -> Mapping[str, Any]:
        """Return one account by its id."""
        return _user(self._call("GET", f"/admin/users/{identity}"))

    def add_user(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an account."""
        return _user(self._call("POST", "/admin/users", values))

    def change_user(self, identity: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change an account."""
        return _user(self._call("PUT", f"/admin/users/{identity}", values))

    def _call(self, method: str, path: str, body: Any = None, *, bearer: str | None = None) -> Any:
        return self._guard.call(self._ask, method, path, body, bearer)

    def _ask(self, method: str, path: str, body: Any, bearer: str | None) -> Any:
        headers = {"apikey": self._key, "Authorization": f"Bearer {bearer or self._key}"}
        try:
            with self._client.stream(method, self._url + path, headers=headers, json=body) as reply:
                answer = _read(reply)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise NetworkError(f"the account service does not answer: {type(error).__name__}") from None
        if reply.is_success:
            return answer
        raise refusal(reply.status_code, answer, reply.headers)


def _read(reply: httpx.Response) -> Any:
    """The answer as JSON; None where it is none."""
    kept = bytearray()
    for piece in reply.iter_bytes():
        kept += piece
        if len(kept) > LARGEST:
            raise NetworkError("the account service answers with more than can be right")
    try:
        return orjson.loads(kept)
    except orjson.JSONDecodeError:
        return None


def _grant(answer: Any) -> Grant:
    pair = [answer.get(name) if isinstance(answer, Mapping) else None for name in ("access_token", "refresh_token")]
    if not all(isinstance(one, str) and one for one in pair):
        raise NetworkError("the account service's answer to a sign-in cannot be read")
    return Grant(str(pair[0]), str(pair[1]))


def _user(answer: Any) -> Mapping[str, Any]:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("id"), str):
        raise NetworkError("the account service's answer about an account cannot be read")
    return answer
