"""The arbiter of one breaker, in Python: step for step what lua/breaker.lua does, for tests and fleets in one process.

A contract suite and random histories hold the two against each other. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.resilience.fleet.tally import Tally, is_enough

Json = dict[str, Any]
Publish = Callable[[Json], None]

OVERRIDES = ("forced_open", "disabled", "metrics_only")
SLACK = 250
_MANUAL_KEPT = 16
_AUDIT_KEPT = 200


class Arbiter:
    """The shared state of one breaker.

    Args:
        name: of the breaker.
        audit: gets each decision of a person, newest first.
        publish: called with each message.
    """

    def __init__(self, name: str, audit: list[Json], publish: Publish) -> None:
        self._name = name
        self._audit = audit
        self._publish = publish
        self.record: Json = {}
        self._fence = 0
        self._leases: list[Json] = []
        self._permits = 1
        self._succeeded = 0
        self._tally = Tally()
        self._due: int | None = None
        self._failing = False
        self._manual: list[str] = []
        self._args: Json = {}
        self._now = 0

    def do(self, operation: str, args: Json, now: int) -> Json:
        """Carry out one operation at server time `now`: propose, lease, release, renew or sync."""
        self._args, self._now = args, now
        reply: Json = getattr(self, f"_{operation}")()
        reply["now"] = now
        if self.record:
            reply["record"] = dict(self.record)
        held = self._held_until()
        if held is not None:
            reply["held"] = held
        return {name: value for name, value in reply.items() if value is not None}

    def forget_counts(self) -> None:
        """Lose the buckets, as an eviction of their key does."""
        self._tally.clear()

    # Operations

    def _propose(self) -> Json:
        args = self._args
        given = dict(args["record"])
        if self._was_decided(given["decision"]):
            if given["generation"] > self._generation():
                self._renumber(given["generation"] - (self.record["decision"] == given["decision"]))
            return {"accepted": True}
        if given.get("manual") or self._is_of_a_probe():
            given["generation"] = max(given["generation"], self._generation() + 1)
            self._take(self._stamped(given))
            if given.get("manual"):
                self._note_decision()
        elif given["generation"] <= self._generation():
            self._settle_lineage()
            return {"accepted": False}
        elif self._stands():
            self._renumber(max(given["generation"], args.get("floor") or 0))
            return {"accepted": False}
        else:
            self._take(self._stamped(given))
        self._announce()
        return {"accepted": True}

    def _lease(self) -> Json:
        args = self._args
        self._permits = args["permits"]
        given = args.get("record")
        if given and given["generation"] > self._generation() and not self._stands():
            self._take(self._stamped(given))
        self._settle_lineage()
        first = self._state() == "open"
        if first:
            left = self.record["changed_at"] + self.record["open_ms"] - self._now
            if left > 0:
                return {"granted": False, "wait": left}
            self._half_open(self.record)
        if self._state() != "half_open":
            return {"granted": False, "wait": 0}
        self._drop_ended_leases()
        if self._is_full():
            return {"granted": False, "wait": max(0, (self._held_until() or self._now) - self._now)}
        fence = self._grant(args["lease"])
        if first or self._is_full():
            self._announce()
        return {"granted": True, "fence": fence}

    def _release(self) -> Json:
        args = self._args
        if self._state() != "half_open" or not self._without(args["fence"]):
            return {}
        if args.get("succeeded"):
            self._succeeded += 1
        if self._succeeded >= args["permits"]:
            self._decide("closed", "probe", level=0, failures=0, reason="probe succeeded")
            self._announce()
        else:
            self._tell({"kind": "free", "generation": self._generation()})
        return {}

    def _renew(self) -> Json:
        args = self._args
        if self._state() != "half_open" or self._generation() != args["generation"]:
            return {}
        self._drop_ended_leases()
        for lease in self._of_ours([args["fence"]]):
            lease["ends"] = max(lease["ends"], self._now + args["lease"])
            return {"fence": lease["fence"]}
        if len(self._leases) + self._succeeded >= args["permits"]:
            return {}
        return {"fence": self._grant(args["lease"])}

    def _sync(self) -> Json:
        args = self._args
        self._settle_lineage()
        limits = args.get("limits")
        if not limits or args["generation"] != self._generation() or self._state() not in ("closed", "metrics_only"):
            return {}
        tally = self._tally
        run = tally.run
        if args.get("bucket"):
            tally.count(args, self._now)
        everyone, others = tally.totals(args, self._now)
        news = self._judge(everyone)
        if self._generation() != args["generation"]:
            return {}
        if "threshold" in limits:
            failing = everyone["failures"] > 0
            news = news or failing != self._failing or tally.run != run
            self._failing = failing
        if news:
            self._tell({"kind": "counts", "generation": self._generation(), "run": tally.run, "all": everyone})
        wait = None if self._due is None else max(1, self._due - self._now)
        return {"counted": True, "run": tally.run, "others": others, "wait": wait}

    # Moves

    def _take(self, record: Json) -> None:
        self.record = record
        self._leases, self._succeeded, self._due, self._failing = [], 0, None, False
        self._tally.begin()

    def _decide(self, state: str, who: str, *, level: int, failures: int, reason: str, open_ms: float = 0) -> None:
        generation = self._generation() + 1
        self._take(
            {
                "state": state,
                "generation": generation,
                "decision": f"{who}:{self._args['worker']}:{generation}",
                "changed_at": self._now,
                "open_ms": open_ms,
                "level": level,
                "failures": failures,
                "reason": reason,
            }
        )

    def _half_open(self, before: Json) -> None:
        level, failures = before["level"], before["failures"]
        self._decide("half_open", "probe", level=level, failures=failures, reason="time to try again")
        self.record["base"] = before["decision"]

    def _stamped(self, given: Json) -> Json:
        until_in = given.get("until_in")
        record = {
            "state": given["state"],
            "generation": given["generation"],
            "decision": given["decision"],
            "changed_at": self._now - given["age"],
            "open_ms": given["open_ms"],
            "level": given["level"],
            "failures": given["failures"],
            "reason": given["reason"],
            "author": given.get("author"),
            "until": None if until_in is None else self._now + until_in,
        }
        return {name: value for name, value in record.items() if value is not None}

    def _renumber(self, floor: int) -> None:
        self.record = {**self.record, "generation": floor + 1}
        self._announce()

    def _settle_lineage(self) -> None:
        floor, record = self._args.get("floor"), self.record
        if floor is None or not record or floor < record["generation"]:
            return
        if self._args.get("base") not in (record["decision"], record.get("base")):
            self._renumber(floor)

    # Permits

    def _grant(self, milliseconds: int) -> int:
        self._fence += 1
        lease = {"fence": self._fence, "worker": self._args["worker"], "ends": self._now + milliseconds}
        self._leases.append(lease)
        return self._fence

    def _without(self, fence: int) -> bool:
        ours = self._of_ours([fence])
        self._leases = [lease for lease in self._leases if lease not in ours]
        return bool(ours)

    def _drop_ended_leases(self) -> None:
        self._leases = [lease for lease in self._leases if lease["ends"] > self._now]

    def _is_full(self) -> bool:
        return len(self._leases) + self._succeeded >= self._permits

    def _held_until(self) -> int | None:
        if not self._leases or not self._is_full():
            return None
        return min(int(lease["ends"]) for lease in self._leases)

    def _stands(self) -> bool:
        if self._state() in OVERRIDES:
            until = self.record.get("until")
            return until is None or until - self._now > SLACK
        if self._state() != "half_open":
            return False
        self._drop_ended_leases()
        return bool(self._leases)

    def _is_of_a_probe(self) -> bool:
        if self._state() != "half_open":
            return False
        self._drop_ended_leases()
        return bool(self._of_ours(self._args.get("fences") or []))

    def _of_ours(self, fences: list[int]) -> list[Json]:
        return [each for each in self._leases if each["fence"] in fences and each["worker"] == self._args["worker"]]

    # Counting

    def _judge(self, everyone: Json) -> bool:
        if self._state() != "closed" or not is_enough(self._args["limits"], everyone):
            self._due = None
            return False
        if self._due is not None:
            if self._now >= self._due:
                self._trip(everyone)
            return False
        self._due = self._now + self._args["settle"]
        return True

    def _trip(self, everyone: Json) -> None:
        last = f", last: {self._args['reason']}" if self._args.get("reason") else ""
        failures = everyone["failures"]
        reason = f"{failures} failures in the fleet{last}"
        self._decide("open", "fleet", level=0, failures=failures, reason=reason, open_ms=self._args["open_ms"])
        self._announce()

    # What a person decided

    def _was_decided(self, decision: str) -> bool:
        return decision in self._manual or self.record.get("decision") == decision

    def _note_decision(self) -> None:
        record = self.record
        self._manual = [*self._manual, record["decision"]][-_MANUAL_KEPT:]
        kept = ("state", "generation", "reason", "author", "until")
        entry = {"at": self._now, "name": self._name, "worker": self._args["worker"]}
        self._audit.insert(0, entry | {name: record[name] for name in kept if name in record})
        del self._audit[_AUDIT_KEPT:]

    # Messages

    def _tell(self, message: Json) -> None:
        self._publish({**message, "name": self._name, "at": self._now, "by": self._args["worker"]})

    def _announce(self) -> None:
        message: Json = {"kind": "record", "record": dict(self.record)}
        held = self._held_until()
        if held is not None:
            message["held"] = held
        self._tell(message)

    def _generation(self) -> int:
        return int(self.record.get("generation", 0))

    def _state(self) -> str:
        return str(self.record.get("state", "closed"))
