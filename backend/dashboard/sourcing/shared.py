"""A source that several workers share: one of them asks it, the others take what came of it.

Whoever is due first takes the role and asks; the outcome, also a failure, is kept and announced, which makes the others
take it. They do so at the age it has, so all are due again at the same time. A worker that dies while it asks loses the
role when its time is up, and any other that is due asks. Without Redis each asks for itself.

What is only an addition to an earlier answer (a delta, "not modified") is taken by those who have that answer; another
worker asks by itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

import orjson

from backend.bus.outcomes import Outcome, Outcomes
from backend.bus.wire import AwayError
from backend.errors import DashboardError, NetworkError, RateLimitedError
from backend.resilience.clock import SYSTEM_CLOCK, Clock
from backend.schemas.times import parse_utc
from backend.sources.base import PulseBatch, PulseItem, ThreatBatch, Validators
from backend.sources.heavy import heavy

T = TypeVar("T")

POLL_SECONDS = 0.1
LONGEST_WAIT = 5.0
COME_AGAIN_SECONDS = 1.0


class FailedElsewhereError(NetworkError):
    """Another worker asked and failed, which was counted there."""

    counts_as_failure = False
    retryable = False


class SharedSource:
    """A `ThreatSource` or `PulseSource` in front of another one.

    Args:
        source: the one that is asked.
        outcomes: what other workers got of it.
        decode: makes a batch of what `orjson.loads` gives.
        offload: runs reading and writing of batches in a native thread.
    """

    def __init__(
        self,
        source: Any,
        outcomes: Outcomes,
        decode: Callable[[Mapping[str, Any]], Any],
        *,
        clock: Clock = SYSTEM_CLOCK,
        offload: Callable[..., Any] = heavy,
    ) -> None:
        self._source = source
        self._outcomes = outcomes
        self._decode = decode
        self._clock = clock
        self._offload = offload
        self._handed = 0
        self._fetching = False
        self._wanted = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def is_news(self, number: int, head: Mapping[str, Any]) -> bool:
        """Tell whether an outcome answers what this worker asks, too, and it does not come to know it anyway."""
        return not self._fetching and number > self._handed and bool(head.get("wanted") == self._wanted)

    def fetch(self, *, previous: Validators | None = None, **asked: Any) -> Any:
        """Fetch once, or take what another worker has just fetched; see the source's own."""
        self._fetching = True
        try:
            return self._fetch(previous, asked)
        finally:
            self._fetching = False

    def _fetch(self, previous: Validators | None, asked: Mapping[str, Any]) -> Any:
        self._wanted = _digest(sorted(asked.get("wanted", ())))
        before = _digest(asdict(previous)) if previous is not None else ""
        ends = self._clock.monotonic() + min(LONGEST_WAIT, self._source.timeout_seconds / 2)
        try:
            while True:
                last = self._outcomes.last(self._source.name)
                found = None if last is None else self._taken(last, before)
                if found is not None:
                    return found
                if self._outcomes.take(self._source.name, self._source.timeout_seconds + 1, after=last):
                    break
                if self._clock.monotonic() >= ends:  # it goes on asking; we are woken when it is done
                    raise RateLimitedError("another worker asks already", retry_after=COME_AGAIN_SECONDS)
                self._clock.sleep(POLL_SECONDS)
        except AwayError:
            return self._source.fetch(previous=previous, **asked)
        return self._ask(previous, before, asked)

    def _taken(self, outcome: Outcome, before: str) -> Any:
        """Return what another worker's outcome means for one who has the answer `before`, None where it is no help."""
        if outcome.number == self._handed or outcome.age >= self._source.refresh_seconds:
            return None
        head = outcome.head
        if head["wanted"] != self._wanted:
            return None
        if "error" in head:
            self._handed = outcome.number
            raise FailedElsewhereError(head["error"], message=head["error"], retry_after=head["retry_after"])
        return self._batch(outcome, before)

    def _batch(self, outcome: Outcome, before: str) -> Any:
        head = outcome.head
        follows = head["before"] == before and bool(before)
        if head["not_modified"] and follows:
            batch = self._decode(head["batch"])
        elif head["whole"] or (head["delta"] and head["before"] == before):
            body = self._outcomes.body(self._source.name)
            if body is None:
                return None
            batch = self._offload(_unpacked, body, self._decode)
            if head["not_modified"]:
                batch = replace(batch, validators=_validators(head["batch"].get("validators")))
        else:
            return None
        self._handed = outcome.number
        again_in = batch.again_in
        left = self._source.refresh_seconds if again_in is None else again_in
        as_of = self._clock.now() - timedelta(seconds=outcome.age)
        return replace(batch, as_of=as_of, again_in=max(0.0, left - outcome.age))

    def _ask(self, previous: Validators | None, before: str, asked: Mapping[str, Any]) -> Any:
        name = self._source.name
        head: dict[str, Any] = {"wanted": self._wanted, "before": before}
        told = False
        try:
            try:
                batch = self._source.fetch(previous=previous, **asked)
            except RateLimitedError:
                raise
            except DashboardError as error:
                failed = head | {"error": error.message, "retry_after": error.asked_to_wait}
                told = self._tell(failed, None)
                raise
            told = self._tell_of(batch, head)
            return batch
        finally:
            if not told:
                self._outcomes.release(name)

    def _tell_of(self, batch: Any, head: dict[str, Any]) -> bool:
        delta = bool(getattr(batch, "delta", False))
        body: bytes | None = None
        if batch.not_modified:
            known = self._last_whole()
            head |= {"batch": asdict(batch), "whole": known}
        else:
            body = self._offload(_packed, batch)
            head |= {"whole": not delta}
        return self._tell(head | {"not_modified": batch.not_modified, "delta": delta}, body)

    def _last_whole(self) -> bool:
        """Whether the body that is kept is a whole answer, which "not modified" confirms."""
        try:
            last = self._outcomes.last(self._source.name)
        except AwayError:
            return False
        return last is not None and bool(last.head.get("whole")) and last.head.get("wanted") == self._wanted

    def _tell(self, head: Mapping[str, Any], body: bytes | None) -> bool:
        keep = max(3600.0, 2 * self._source.refresh_seconds)
        try:
            self._handed = self._outcomes.put(self._source.name, head, body, keep)
        except AwayError:
            return False
        return True


def threat_batch(told: Mapping[str, Any]) -> ThreatBatch:
    """Read a batch of threats."""
    return ThreatBatch(**_without(told, "removed"), removed=tuple(told.get("removed", ())))


def pulse_batch(told: Mapping[str, Any]) -> PulseBatch:
    """Read a batch of published things."""
    return PulseBatch(**_without(told, "items"), items=tuple(_item(item) for item in told.get("items", ())))


def _without(told: Mapping[str, Any], *names: str) -> dict[str, Any]:
    as_of = told.get("as_of")
    kept = {name: value for name, value in told.items() if name not in names}
    return kept | {
        "validators": _validators(told.get("validators")),
        "as_of": None if as_of is None else parse_utc(as_of),
    }


def _item(told: Mapping[str, Any]) -> PulseItem:
    published = told.get("published")
    times = {"published": None if published is None else parse_utc(published), "ids": tuple(told.get("ids", ()))}
    return PulseItem(**{**told, **times})


def _validators(told: Mapping[str, Any] | None) -> Validators | None:
    return None if told is None else Validators(**told)


def _packed(batch: Any) -> bytes:
    return zlib.compress(orjson.dumps(batch), 1)


def _unpacked(body: bytes, decode: Callable[[Mapping[str, Any]], T]) -> T:
    return decode(orjson.loads(zlib.decompress(body)))


def _digest(told: Any) -> str:
    return sha256(orjson.dumps(told)).hexdigest()[:16]
