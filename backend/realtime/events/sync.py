"""sync: what a client missed while it was away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backend.realtime.connections import Connection
from backend.realtime.door import ClientEvent
from backend.realtime.replay import EventsLog
from backend.schemas.events import SyncSchema

USERS_OWN = frozenset(("summary", "chat", "scans", "alerts"))

# stream -> function of the user's id that returns [(event, payload), ...]: the present state
Snapshot = Callable[[str], list[tuple[str, Mapping[str, Any]]]]
Snapshots = Mapping[str, Snapshot]


def events(replay: EventsLog, snapshots: Snapshots, *, worker: str = "") -> list[ClientEvent]:
    """Return the sync event; where there are several workers, its answer says which one this is."""
    told = {"worker": worker} if worker else {}

    def sync(connection: Connection, asked: dict[str, Any]) -> dict[str, Any]:
        user = connection.principal.user_id
        return {"streams": {stream: _missed(stream, seq, user) for stream, seq in asked.items()}, **told}

    def _missed(stream: str, seq: int, user: str) -> dict[str, Any]:
        owner = user if stream in USERS_OWN else ""
        events_since = replay.since(stream, seq, user=owner) if seq else None
        if events_since is not None:
            return {"events": [pushed.as_dict() for pushed in events_since]}
        # the number is read before the snapshot is taken: what is pushed between comes again, which does no harm
        last = replay.last_seq(stream, user=owner)
        taken = snapshots[stream](user) if stream in snapshots else []
        return {
            "gap": True,
            "seq": last,
            "snapshot": [
                {"event": event, "payload": {**payload, "stream": stream, "seq": last}} for event, payload in taken
            ],
        }

    return [
        ClientEvent(
            "sync",
            SyncSchema,
            sync,
            "Ask for what was missed since the numbers given: in order, or a snapshot where there is a gap.",
        )
    ]
