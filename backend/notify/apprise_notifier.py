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
    """Sends to addresses, each by itself.

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
        self._library: Any = None
        self._senders: dict[int, Any] = {}

    @property
    def receivers(self) -> range:
        """The places of the addresses."""
        return range(len(self._addresses))

    def send(self, receiver: int, title: str, body: str) -> None:
        """Tell one address.

        Raises:
            UpstreamRejectedError: it is none that Apprise knows.
            NetworkError: it did not take the message.
        """
        if receiver not in self._senders:
            self._senders[receiver] = self._made(receiver)
        try:
            taken = self._senders[receiver].notify(title=title, body=body, body_format="text")
        except Exception as error:  # noqa: BLE001 - a plugin's own fault, whose text may name the address
            raise NetworkError(f"address {receiver + 1} of JUPITER_ALERT_URLS: {type(error).__name__}") from None
        if not taken:
            raise NetworkError(f"address {receiver + 1} of JUPITER_ALERT_URLS did not take the message")

    def _made(self, receiver: int) -> Any:
        if self._library is None:
            self._library = self._load()
        sender = self._library.Apprise()
        if not sender.add(self._addresses[receiver]):
            raise UpstreamRejectedError(f"address {receiver + 1} of JUPITER_ALERT_URLS is none that Apprise knows")
        return sender
