"""The retry budget of one dependency over all workers, in Python: step for step what lua/budget.lua does."""

from __future__ import annotations

import math
from typing import Any

Json = dict[str, Any]


class Treasury:
    """Hands out reserves of retries as long as the fleet's share of them is not used up."""

    def __init__(self) -> None:
        self._buckets: dict[str, Json] = {}

    def do(self, args: Json, now: int) -> Json:
        """Take in what a worker tells, and answer with the reserve that it may hold from now on."""
        self._buckets = {name: each for name, each in self._buckets.items() if each["at"] > now - args["window"]}
        others = [each for name, each in self._buckets.items() if name != args["worker"]]
        living = [each for each in others if each["at"] > now - args["lease"]]
        calls = args["calls"] + sum(each["calls"] for each in others)
        spent = args["spent"] + sum(each["spent"] for each in others)
        held = args["held"] + sum(each["held"] for each in living)
        free = math.floor(max(args["minimum"], args["ratio"] * calls) + 1e-9) - spent - held
        more = 0
        if free > 0 and args["want"] > args["held"]:
            more = min(args["want"] - args["held"], math.ceil(free / 2) if living else free)
        share = args["held"] + more
        kept = {name: args[name] for name in ("calls", "spent", "denied")}
        self._buckets[args["worker"]] = {**kept, "held": share, "at": now}
        return {"now": now, "share": share, "short": any(each["denied"] > 0 for each in living)}
