"""Look at a server from inside its own network: `python -m tests.support.probe URL TOKEN`, one JSON object on stdout.

For servers whose network has no way to the test run; see isolated.py.
"""

import json
import sys
from functools import partial
from typing import Any

from tests.support.client import Events, Rest, eventually

PATHS = (
    "/",
    "/admin",
    "/status",
    "/api/threats",
    "/api/pulse",
    "/api/dashboard/summary",
    "/api/dashboard/health",
    "/api/feature-status",
)


def settled(rest: Rest, path: str) -> Any:
    """Wait until no source of a panel is loading any more."""

    def check() -> Any:
        body = rest.get(path).body
        states = [source["status"] for source in body.get("sources", [])]
        return body if states and "loading" not in states else None

    return eventually(check, timeout=20)


def answered(events: Events, name: str) -> bool:
    """Tell whether what was asked for has come, or why it does not."""
    told = [*events.named(f"{name}_update"), *events.named(f"{name}_error")]
    return any(data.get("request") for data in told)


def main() -> None:
    """Ask for everything that a dashboard shows."""
    url, token = sys.argv[1:3]
    with Rest(url, token) as rest, Events().connect(url, token) as events:
        panels = {name: settled(rest, f"/api/{name}") for name in ("threats", "pulse")}
        for name in ("threats", "pulse", "summary", "status"):
            events.call(f"request_{name}")
        ack = events.call("chat_message", {"message": "What is new?", "client_message_id": "probe-1"})
        mine = ack["data"]["message_id"]
        answer = events.wait_for("chat_response", lambda data: data["message_id"] == mine, timeout=20)
        for name in ("threats", "pulse", "summary", "status"):
            eventually(partial(answered, events, name), timeout=20)
        pages = {path: [(found := rest.get(path)).status, found.body, found.seconds] for path in PATHS}
    came = [[event.name, event.data] for event in events.received]
    sys.stdout.write(json.dumps({"panels": panels, "pages": pages, "chat": answer, "events": came}))


if __name__ == "__main__":
    main()
