"""The buckets of all workers for one breaker: the counting part of lua/breaker.lua."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_KINDS = ("calls", "failures", "slow")


class Tally:
    """One bucket a worker. Failures in a row belong to a run, which ends with a success anywhere in the fleet."""

    def __init__(self) -> None:
        self.run = 0
        self._buckets: dict[str, Json] = {}

    def begin(self) -> None:
        """A new generation starts from nothing."""
        self.run += 1
        self.clear()

    def clear(self) -> None:
        """Lose the buckets."""
        self._buckets.clear()

    def count(self, args: Json, now: int) -> None:
        """Take in a worker's bucket.

        Of an older run's bucket only what the worker has counted since it last told us can belong to the present one.
        """
        bucket, worker, in_a_row = args["bucket"], args["worker"], "threshold" in args["limits"]
        failures = self._of_this_run(bucket) if in_a_row else bucket["failures"]
        if (failures if in_a_row else bucket["calls"]) == 0:
            self._buckets.pop(worker, None)
            return
        self._buckets[worker] = {
            "calls": bucket["calls"],
            "failures": failures,
            "slow": bucket["slow"],
            "run": self.run if in_a_row else None,
            "at": now,
        }

    def totals(self, args: Json, now: int) -> tuple[Json, Json]:
        """Return the sum of all buckets, and that of all but the asker's own."""
        everyone, others = dict.fromkeys(_KINDS, 0), dict.fromkeys(_KINDS, 0)
        for worker, bucket in list(self._buckets.items()):
            of_older_run = bucket["run"] is not None and bucket["run"] != self.run
            if bucket["at"] <= now - args["horizon"] or of_older_run:
                del self._buckets[worker]
                continue
            for kind in _KINDS:
                everyone[kind] += bucket[kind]
                others[kind] += bucket[kind] if worker != args["worker"] else 0
        return everyone, others

    def _of_this_run(self, bucket: Json) -> int:
        if bucket.get("succeeded") and bucket["run"] >= self.run:
            self.run = bucket["run"] + 1
            self.clear()
        elif bucket["run"] > self.run:
            self.run = bucket["run"]
        elif bucket["run"] < self.run:
            return int(bucket["fresh"])
        return int(bucket["failures"])


def is_enough(limits: Json, everyone: Json) -> bool:
    """Tell whether so many failures, or slow calls, open the circuit."""
    if "threshold" in limits:
        return bool(everyone["failures"] >= limits["threshold"])
    if everyone["calls"] < limits["minimum_calls"]:
        return False
    if everyone["failures"] / everyone["calls"] >= limits["failure_rate"]:
        return True
    return "slow_rate" in limits and bool(everyone["slow"] / everyone["calls"] >= limits["slow_rate"])
