"""Telling people by mail, chat or webhook, through Apprise: https://github.com/caronc/apprise."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from typing import Any

from backend import runtime
from backend.errors import NetworkError, UpstreamRejectedError


class _Pausing(MetaPathFinder):
    """Finds nothing; being asked before every import is its whole purpose."""

    def __init__(self, pause: Callable[[], object]) -> None:
        self._pause = pause

    def find_spec(self, fullname: str, _path: Any, _target: Any = None) -> None:
        if fullname.partition(".")[0] == "apprise":
            self._pause()


def load(pause: Callable[[], object] = runtime.sleep) -> Any:
    """Return the library with all its plugins: 270 modules, two seconds, in which the others have their turn."""
    finder = _Pausing(pause)
    sys.meta_path.insert(0, finder)
    try:
        apprise = importlib.import_module("apprise")
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it names addresses, and with them passwords
        apprise.Apprise().add("json://127.0.0.1")  # loads the plugins
    finally:
        sys.meta_path.remove(finder)
    return apprise


class AppriseNotifier:
    """Sends to every address; one that has taken a message is not sent the same message again.

    Args:
        addresses: Apprise's, e.g. `mailto://…`, `json://host/path`. They may hold passwords and are never logged.
        load: returns the library; called with the first message.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        *,
        load: Callable[[], Any] = load,
    ) -> None:
        self._addresses = tuple(addresses)
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
            self._senders = self._made(self._load())
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
        made = {}
        for number, address in enumerate(self._addresses):
            sender = apprise.Apprise()
            if not sender.add(address):
                raise UpstreamRejectedError(f"address {number + 1} of JUPITER_ALERT_URLS is none that Apprise knows")
            made[address] = sender
        return made
