"""A board of notes that all workers write, in Python: step for step what lua/board.lua does."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Board:
    """Keeps each note's newest text, and tells a reader what was written since it looked last."""

    def __init__(self) -> None:
        self._era = ""
        self._version = 0
        self._notes: dict[str, tuple[int, int, str]] = {}  # name -> version, time, text; in order of versions

    def do(self, args: Json, now: int) -> Json:
        """Take in a worker's notes and answer with those of all that it has not read."""
        if not self._era:
            self._era = f"{args['worker']}:{now}"
        for name in sorted(args["notes"]):
            self._version += 1
            self._notes.pop(name, None)
            self._notes[name] = (self._version, now, args["notes"][name])
        if args["notes"]:
            self._tidy(args, now)
        since = args.get("since", 0) if args.get("era") == self._era else 0
        found = [(each[0], name, each[2]) for name, each in self._notes.items() if each[0] > since][: args["batch"]]
        return {
            "now": now,
            "era": self._era,
            "since": found[-1][0] if found else since,
            "more": len(found) == args["batch"],
            "news": [[name, text] for _, name, text in found],
        }

    def _tidy(self, args: Json, now: int) -> None:
        surplus = len(self._notes) - args["most"]
        for name in list(self._notes)[: max(0, min(surplus, 500))]:
            del self._notes[name]
        for name in list(self._notes)[:20]:
            if self._notes[name][1] <= now - args["keep"]:
                del self._notes[name]
