"""Sealing what must be kept and not read: Fernet (AES-128-CBC, HMAC-SHA256), with a key drawn from the server's own."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken


class Sealer:
    """Seals and opens JSON.

    Args:
        secret: the server's own; whoever has it can open what was sealed.
        purpose: keys of different purposes do not open each other's.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        drawn = hashlib.scrypt(secret.encode(), salt=b"jupiter:" + purpose.encode(), n=2**12, r=8, p=1, dklen=32)
        self._box = Fernet(base64.urlsafe_b64encode(drawn))

    def seal(self, value: Any) -> str:
        """Return `value` sealed."""
        return self._box.encrypt(orjson.dumps(value)).decode()

    def open(self, sealed: str) -> Any:
        """Return what was sealed; None where it was sealed with another key, or changed."""
        try:
            return orjson.loads(self._box.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            return None
