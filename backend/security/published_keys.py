"""The keys an account service publishes for checking its signatures (JWKS, RFC 7517), fetched once and kept.

A key that is known is used at once, also while the service is away: a fetch that is due runs beside. Only an unknown
key id waits for a fetch, and then for at most one in `COOLDOWN` seconds, so that invented ids cost nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from jwt import PyJWK, PyJWKClient, PyJWKSet
from jwt.exceptions import PyJWKClientError, PyJWKSetError

from backend import runtime
from backend.errors import AuthenticationError, DashboardError, NetworkError
from backend.resilience.clock import SYSTEM_CLOCK, Clock

LIFESPAN = 600.0  # seconds; a key that was withdrawn is taken for so long
COOLDOWN = 30.0


class PublishedKeys(PyJWKClient):
    """PyJWT's client with our way to the network, and without its lock across the fetch.

    Args:
        address: of the key set.
        fetch: returns the key set as JSON, through the guard.
    """

    def __init__(
        self,
        address: str,
        fetch: Callable[[], Any],
        *,
        clock: Clock = SYSTEM_CLOCK,
        spawn: Callable[..., Any] = runtime.spawn,
    ) -> None:
        super().__init__(address, cache_jwk_set=False)
        self._fetch = fetch
        self._clock = clock
        self._spawn = spawn
        self._keys: list[PyJWK] = []
        self._tried_at: float | None = None
        self._fetching = threading.Lock()

    def fetch_data(self) -> Any:
        """Return the key set as it is published now.

        Raises:
            DashboardError: it cannot be had.
        """
        return self._fetch()

    def get_signing_key(self, kid: str) -> PyJWK:
        """Return the key of that id.

        Raises:
            AuthenticationError: there is none.
            DashboardError: none is known yet and the service does not answer.
        """
        found = self.match_kid(self._keys, kid)
        if found is None:
            self._look(wait=True)
            found = self.match_kid(self._keys, kid)
        elif self._age() > LIFESPAN:
            self._spawn(self._look)
        if found is None:
            raise AuthenticationError("the token is signed with a key that is not published")
        return found

    def _age(self) -> float:
        return float("inf") if self._tried_at is None else self._clock.monotonic() - self._tried_at

    def _look(self, *, wait: bool = False) -> None:
        """Fetch unless that was done just now. Without `wait` a fetch that fails changes nothing."""
        with self._fetching:
            if self._age() < COOLDOWN and (self._keys or not wait):
                return
            before, self._tried_at = self._tried_at, self._clock.monotonic()
            try:
                self._keys = self._read()
            except DashboardError:
                if wait and not self._keys:
                    self._tried_at = before  # the guard keeps count; nobody is to wait for the cooldown
                    raise

    def _read(self) -> list[PyJWK]:
        try:
            found = PyJWKSet.from_dict(self._as_jwk_set_payload(self.fetch_data()))
            return self._get_signing_keys_from_jwk_set(found)
        except (PyJWKClientError, PyJWKSetError, ValueError, TypeError, AttributeError) as error:
            raise NetworkError(f"the published keys cannot be read: {error}") from None
