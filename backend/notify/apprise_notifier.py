"""Telling people by mail, chat or webhook, through Apprise: https://github.com/caronc/apprise."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from backend import runtime
from backend.errors import NetworkError, UpstreamRejectedError


def _load() -> Any:
    return importlib.import_module("apprise")


class AppriseNotifier:
    """Sends to every address; one that has taken a message is not sent the same message again.

    Args:
        addresses: Apprise's, e.g. `mailto://…`, `json://host/path`. They may hold passwords and are never logged.
        offload: runs the import, which takes a third of a second, in a native thread.
        load: returns the library.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        offload: Callable[..., Any] = runtime.offload,
        load: Callable[[], Any] = _load,
    ) -> None:
        self._addresses = tuple(addresses)
        self._offload = offload
        self._load = load
        self._taken: set[tuple[str, str, str]] = set()
        self._senders: dict[str, Any] | None = None

    def send(self, title: str, body: str) -> None:
        """Tell everybody who was not told yet.

        Raises:
            UpstreamRejectedError: an address is none that Apprise knows.
            NetworkError: somebody could not be told.
        """
        if self._senders is None:
            self._senders = self._made(self._offload(self._load))
        failed = 0
        for address, sender in self._senders.items():
            if (address, title, body) in self._taken:
                continue
            if sender.notify(title=title, body=body, body_format="text"):
                self._taken.add((address, title, body))
            else:
                failed += 1
        if failed:
            raise NetworkError(f"{failed} of {len(self._addresses)} addresses did not take the message")
        self._taken.clear()

    def _made(self, apprise: Any) -> dict[str, Any]:
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it names addresses, and with them passwords
        made = {}
        for number, address in enumerate(self._addresses):
            sender = apprise.Apprise()
            if not sender.add(address):
                raise UpstreamRejectedError(f"address {number + 1} of JUPITER_ALERT_URLS is none that Apprise knows")
            made[address] = sender
        return made
