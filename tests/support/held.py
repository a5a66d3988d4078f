"""A server that is told to end while a request of a client is seen to be under way."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backend import runtime
from tests.support.catalogue import document, entry
from tests.support.llm_server import reply, serving
from tests.support.server import Jupiter


class HeldSource:
    """A catalogue that answers the server's own first question at once, and the next one when it is let go."""

    def __init__(self) -> None:
        self.url = ""
        self.asked_again = threading.Event()
        self.let_go = threading.Event()
        self._first = True

    def environ(self) -> dict[str, str]:
        """Return the settings that point a server here; it asks by itself once in a minute."""
        return {
            "JUPITER_SOURCES": "cisa_kev",
            "JUPITER_SOURCE_CISA_KEV_URL": self.url,
            "JUPITER_SOURCE_CISA_KEV_REFRESH_SECONDS": "60",
            "JUPITER_CALL_ATTEMPTS": "1",
        }

    def script(self, connection: Any) -> None:
        """Answer one question."""
        if self._first:
            self._first = False
        else:
            self.asked_again.set()
            self.let_go.wait(20)
            runtime.sleep(0.5)  # it is not over in the moment in which the end begins
        reply(document([entry("CVE-2026-1000", "2026-11-01")]), kind="application/json")(connection)


@contextmanager
def held_source() -> Iterator[HeldSource]:
    """Serve one."""
    source = HeldSource()
    with serving(source.script) as server:
        source.url = server.url
        yield source


def stop_while_asked(jupiter: Jupiter, source: HeldSource) -> tuple[int, list[int], bool]:
    """Stop it with a forced refresh under way.

    Returns:
        Its exit status, the status of each answer of which the last is the one that was under way, and whether that one
        came after the clients had been told of the end.
    """
    statuses: list[int] = []
    late = False

    def ask() -> None:
        nonlocal late
        with jupiter.rest() as rest:
            while not source.asked_again.is_set():  # what has just been fetched serves a forced refresh too
                statuses.append(rest.get("/api/threats?force_refresh=1").status)
                late = source.let_go.is_set()
                time.sleep(0.02)

    with jupiter.events() as events:
        asking = threading.Thread(target=ask)
        asking.start()
        assert source.asked_again.wait(30), "the source was not asked again"

        def tell() -> None:
            events.wait_for("notice", lambda told: "restarting" in told["message"])
            source.let_go.set()

        telling = threading.Thread(target=tell)
        telling.start()
        ended = jupiter.stop()
        asking.join(10)
        telling.join(10)
        assert source.let_go.is_set(), "the clients were not told"
        events.wait_for("disconnect")
    return ended, statuses, late
