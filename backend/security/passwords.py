"""Passwords: hashed with argon2id (RFC 9106), off the event loop, a few at a time.

A name that nobody has costs the same time as one with a wrong password, so that answers do not tell who has an account.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend import runtime
from backend.errors import BulkheadFullError, ValidationError

SHORTEST, LONGEST = 12, 256  # characters
AT_ONCE = 2  # each hash takes 46 MiB while it is made
WAIT_SECONDS = 8.0


@dataclass(frozen=True)
class Cost:
    """What one hash costs; the defaults are OWASP's. One lane: a hash shall not take all cores from everybody else."""

    time: int = 1
    memory_kib: int = 47_104
    lanes: int = 1


class Passwords:
    """Hashes and checks passwords.

    Args:
        cost: of hashes made from now on; older ones are made again when their owner signs in.
        offload: runs a blocking pure function and returns its result.
        at_once: hashes at the same time.
        wait_seconds: how long to wait for a turn.
    """

    def __init__(
        self,
        cost: Cost = Cost(),
        *,
        offload: Callable[..., Any] = runtime.offload,
        at_once: int = AT_ONCE,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._hasher = PasswordHasher(cost.time, cost.memory_kib, cost.lanes)
        self._offload = offload
        self._turns = threading.BoundedSemaphore(at_once)
        self._wait = wait_seconds
        self._nobodys: str | None = None

    def hash(self, password: str) -> str:
        """Return what is stored for a password.

        Raises:
            ValidationError: it is too short or too long.
            BulkheadFullError: too many are being hashed.
        """
        return str(self._turn(self._hasher.hash, checked(password)))

    def fits(self, password: str, stored: str | None) -> bool:
        """Tell whether this is the password that was stored; None takes as long and is False.

        Raises:
            BulkheadFullError: too many are being checked.
        """
        if stored is None:
            if self._nobodys is None:  # making a hash costs what checking one costs
                self._nobodys = str(self._turn(self._hasher.hash, "the password of nobody at all"))
            else:
                self._turn(_fits, self._hasher, self._nobodys, _normal(password))
            return False
        return bool(self._turn(_fits, self._hasher, stored, _normal(password)))

    def is_old(self, stored: str) -> bool:
        """Tell whether a hash was made at another cost than today's."""
        return bool(self._hasher.check_needs_rehash(stored))

    def _turn(self, func: Callable[..., Any], *args: Any) -> Any:
        if not self._turns.acquire(timeout=self._wait):
            raise BulkheadFullError("too many sign-ins at once", message="Many people are signing in at the moment.")
        try:
            return self._offload(func, *args)
        finally:
            self._turns.release()


def checked(password: str) -> str:
    """Return a new password in the form that is hashed (NFKC, so that every keyboard types the same).

    Raises:
        ValidationError: it is too short or too long. The error never holds the password.
    """
    normal = _normal(password)
    if not SHORTEST <= len(normal) <= LONGEST:
        wrong = f"A password has {SHORTEST} to {LONGEST} characters."
        raise ValidationError("the password's length does not fit", message=wrong, details={"password": [wrong]})
    return normal


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password[: LONGEST * 4]).encode("utf-8", "replace").decode()


def _fits(hasher: PasswordHasher, stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
