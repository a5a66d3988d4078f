"""Two processes and the tier between them, which may go away. Here the tier is a second memory tier."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from backend import runtime
from backend.cache.memory import MemoryTier
from backend.cache.service import CacheService
from backend.errors import NetworkError, NotFoundError
from backend.resilience.testing import FakeClock


class Patient(FakeClock):
    """A clock whose sleepers let the others run, in no time at all."""

    def sleep(self, seconds: float) -> None:
        runtime.sleep()


class Between(MemoryTier):
    """A shared tier that can be away, and counts what it is asked."""

    away = False

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in {"get", "set", "invalidate", "invalidate_tag", "delete", "generation", "acquire", "release"}:
            self.asked.append(name)
            if self.away:
                raise NetworkError("gone")
        return super().__getattribute__(name)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def between(clock: FakeClock) -> Between:
    return Between(clock)


def process(between: Between, clock: FakeClock) -> CacheService:
    return CacheService(shared=between, clock=clock, random=lambda: 0.0, patience=5, trust=1)


@pytest.fixture
def one(between: Between, clock: FakeClock) -> CacheService:
    return process(between, clock)


@pytest.fixture
def other(between: Between, clock: FakeClock) -> CacheService:
    return process(between, clock)


def test_what_one_stores_the_other_has(one: CacheService, other: CacheService) -> None:
    """With the same bytes."""
    stored = one.set("k", {"a": 1})
    assert other.fresh("k") == stored
    assert other.get_or_compute("k", list).state == "hit"


def test_a_hit_does_not_ask_the_shared_tier_while_it_is_trusted(
    one: CacheService, between: Between, clock: FakeClock
) -> None:
    """One question a second, not one a request."""
    one.set("k", 1)
    between.asked.clear()
    for _ in range(100):
        one.fresh("k")
    assert between.asked == []
    clock.advance(1)
    for _ in range(100):
        one.fresh("k")
    assert between.asked == ["get"]


def test_many_who_ask_at_once_are_one_question_to_the_shared_tier(
    one: CacheService, between: Between, clock: FakeClock
) -> None:
    """Whoever has a copy does not wait for the answer, whoever has none does."""
    between.set("k", one.set("other", 1))
    one.delete("other")
    shut, answers = threading.Event(), []
    inner = between.get

    def slow(key: str) -> Any:
        between.asked.append("slow")
        assert shut.wait(10)
        return inner(key)

    between.get = slow  # type: ignore[method-assign]
    tasks = [runtime.spawn(lambda: answers.append(one.get("k"))) for _ in range(20)]
    for _ in range(20):
        runtime.sleep()
    shut.set()
    assert all(task.wait(10) for task in tasks)
    assert (answers, between.asked.count("slow")) == ([1] * 20, 1)
    shut.clear()
    clock.advance(1)
    asking = runtime.spawn(one.get, "k")
    runtime.sleep(0.01)
    assert [one.get("k") for _ in range(20)] == [1] * 20
    shut.set()
    assert asking.wait(10)
    assert between.asked.count("slow") == 2


def test_an_invalidation_is_seen_by_the_other_within_the_time_of_trust(
    one: CacheService, other: CacheService, clock: FakeClock
) -> None:
    """And its stale copy is kept there too."""
    one.set("k", 1, tags=("t",))
    assert other.get("k") == 1
    one.invalidate_tag("t")
    clock.advance(1)
    assert (other.get("k"), other.get_stale("k")) == (None, 1)


def test_what_the_other_deleted_is_only_a_stale_copy(one: CacheService, other: CacheService, clock: FakeClock) -> None:
    """The shared tier may have been emptied as well: showing it as fresh would be a guess."""
    one.set("k", 1)
    assert other.get("k") == 1
    one.delete("k")
    clock.advance(1)
    assert (other.get("k"), other.get_stale("k")) == (None, 1)


def test_two_processes_that_miss_compute_once() -> None:
    """The second waits for the first one's value."""
    clock = Patient()
    between = Between(clock)
    one, other = process(between, clock), process(between, clock)
    gate, calls = threading.Event(), []

    def compute() -> str:
        calls.append(1)
        assert gate.wait(10)
        return "value"

    answers: list[Any] = []
    tasks = [
        runtime.spawn(lambda who=who: answers.append(who.get_or_compute("k", compute).value)) for who in (one, other)
    ]
    for _ in range(20):
        runtime.sleep()
    gate.set()
    assert all(task.wait(10) for task in tasks)
    assert (len(calls), answers) == (1, ["value", "value"])


def test_force_computes_although_the_other_has_a_newer_one(one: CacheService, other: CacheService) -> None:
    """It may have been computed before the question."""
    one.set("k", "old")
    assert other.get("k") == "old"
    one.set("k", "newer")
    assert other.get_or_compute("k", lambda: "own", force=True).value == "own"


def test_an_absence_found_by_one_is_known_to_the_other(one: CacheService, other: CacheService) -> None:
    """Negative caching over processes."""

    def absent() -> None:
        raise NotFoundError("no such thing")

    with pytest.raises(NotFoundError):
        one.get_or_compute("k", absent, absent_ttl=60)
    with pytest.raises(NotFoundError, match="no such thing"):
        other.get_or_compute("k", lambda: "found", absent_ttl=60)


def test_a_lost_process_that_holds_the_lease_is_not_waited_for_longer_than_that(
    one: CacheService, between: Between, clock: FakeClock
) -> None:
    """The lease ends by itself."""
    between.acquire("k", "lost", 10)
    assert one.get_or_compute("k", lambda: "value").value == "value"
    assert 9.9 < clock.monotonic() < 11


def test_with_the_shared_tier_away_everything_goes_on(
    one: CacheService, between: Between, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Told once, in the log and in the check; told again when it is back."""
    with caplog.at_level(logging.INFO, "jupiter.data"):
        between.away = True
        assert one.get_or_compute("k", lambda: "value").state == "computed"
        clock.advance(2)
        assert one.get_or_compute("k", lambda: "value").state == "hit"
        one.invalidate("k")
        assert one.get_or_compute("k", lambda: "newer").value == "newer"
        assert one.check()["status"] == "degraded"
        between.away = False
        assert one.check() == {"status": "healthy"}
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_an_invalidation_during_the_absence_is_told_on_return(
    one: CacheService, other: CacheService, between: Between, clock: FakeClock
) -> None:
    """The other process must not go on showing what has changed meanwhile."""
    one.set("k", "old", tags=("t",))
    assert other.get("k") == "old"
    between.away = True
    one.invalidate_tag("t")
    assert one.get("k") is None
    between.away = False
    clock.advance(1)
    assert one.get("anything") is None  # the next question, whatever it is
    assert (other.get("k"), other.get_stale("k")) == (None, "old")


def test_what_was_stored_during_the_absence_is_not_replaced_by_what_is_older(
    one: CacheService, between: Between, clock: FakeClock
) -> None:
    """The shared tier comes back with its old content."""
    one.set("k", "old")
    between.away = True
    clock.advance(2)
    one.set("k", "new")
    between.away = False
    clock.advance(2)
    assert one.get("k") == "new"


def test_an_invalidation_while_the_shared_tier_is_asked_holds(
    one: CacheService, between: Between, clock: FakeClock
) -> None:
    """The answer of before it must not make the copy fresh again."""
    inner = between.get
    acts = {"invalidate": "k", "invalidate_tag": "t", "delete": "k"}
    for verb, name in acts.items():
        one.set("k", "old", tags=("t",))
        clock.advance(1)

        def overtaken(key: str, verb: str = verb, name: str = name) -> Any:
            found = inner(key)
            between.get = inner  # type: ignore[method-assign]
            getattr(one, verb)(name)
            return found

        between.get = overtaken  # type: ignore[method-assign]
        one.get("k")
        assert (one.get("k"), one.get_stale("k")) == (None, None if verb == "delete" else "old")


def test_who_asks_while_an_invalidation_is_told_does_not_undo_it(
    one: CacheService, between: Between, clock: FakeClock
) -> None:
    """The shared tier still has the old value as a fresh one: neither a question nor a computation may go by it."""
    inner = between.invalidate
    for ask in (lambda: one.get("k"), lambda: one.get_or_compute("k", lambda: "new")):
        one.set("k", "old")
        clock.advance(1)

        def meanwhile(key: str, ask: Any = ask) -> None:
            ask()
            inner(key)

        between.invalidate = meanwhile  # type: ignore[method-assign]
        one.invalidate("k")
        assert one.get("k") is None
        between.invalidate = inner  # type: ignore[method-assign]


def test_what_was_stored_during_the_absence_does_not_outlive_an_invalidation(
    one: CacheService, other: CacheService, between: Between, clock: FakeClock
) -> None:
    """The other process changed something meanwhile: whether before or after, nobody can tell."""
    one.set("k", "oldest")
    between.away = True
    clock.advance(2)
    one.set("k", "old")
    other.invalidate("k")
    between.away = False
    clock.advance(2)
    assert other.get("anything") is None  # tells what it owes
    assert (one.get("k"), one.get_stale("k")) == (None, "old")
