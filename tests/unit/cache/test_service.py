"""The cache's answers: fresh, stale, computed once, never outdated after an invalidation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from backend import runtime
from backend.cache.service import Cached, CacheService
from backend.errors import DatabaseError, DeadlineExceededError, NotFoundError
from backend.resilience.deadline import deadline
from backend.resilience.testing import FakeClock


class Source:
    """Something slow and fallible: counts its calls, waits while `gate` is shut, fails where told."""

    def __init__(self) -> None:
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self) -> dict[str, int]:
        self.calls += 1
        number = self.calls
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return {"n": number}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cache(clock: FakeClock) -> CacheService:
    return CacheService(clock=clock, random=lambda: 0.0, patience=0.0, ttl=60, stale=600)


def ask(cache: CacheService, source: Callable[[], Any], **options: Any) -> Cached:
    return cache.get_or_compute("k", source, **options)


def settle(until: Callable[[], bool]) -> None:
    """Let the others run until something is so."""
    for _ in range(2000):
        if until():
            return
        runtime.sleep(0.001)
    raise AssertionError("it did not come to that")


def state(answer: Cached) -> tuple[str, int]:
    return answer.state, answer.value["n"]


def test_what_is_set_is_got_until_its_time_is_over(cache: CacheService, clock: FakeClock) -> None:
    """And then still as a stale copy, until that is over too."""
    cache.set("k", {"a": [1]}, ttl=10, stale=20)
    assert cache.get("k") == cache.get_stale("k") == {"a": [1]}
    clock.advance(10)
    assert cache.get("k") is None
    assert cache.get_stale("k") == {"a": [1]}
    clock.advance(20)
    assert cache.get_stale("k") is None


def test_what_is_got_may_be_changed_without_harm(cache: CacheService) -> None:
    """The next one gets what was stored."""
    cache.set("k", {"a": [1]})
    cache.get("k")["a"].append(2)
    assert cache.get("k") == {"a": [1]}


def test_a_hit_keeps_the_very_bytes(cache: CacheService) -> None:
    """They can be sent without serialising again, with the same entity tag each time."""
    stored = cache.set("k", {"a": "ü"})
    found = cache.fresh("k")
    assert found is not None
    assert found.body is stored.body
    assert found.body == '{"a":"ü"}'.encode()
    assert found.etag == stored.etag != cache.set("k", {"a": "u"}).etag


def test_a_missing_value_is_computed_once_and_then_kept(cache: CacheService, source: Source) -> None:
    """First computed, then hits."""
    assert [state(ask(cache, source)) for _ in range(3)] == [("computed", 1), ("hit", 1), ("hit", 1)]


def test_a_thousand_who_ask_at_once_cause_one_computation(cache: CacheService, source: Source) -> None:
    """Single-flight."""
    source.gate.clear()
    answers: list[Cached] = []
    tasks = [runtime.spawn(lambda: answers.append(ask(cache, source))) for _ in range(1000)]
    settle(lambda: source.calls == 1)
    source.gate.set()
    assert all(task.wait(20) for task in tasks)
    assert source.calls == 1
    assert {state(answer)[1] for answer in answers} == {1}
    assert len(answers) == 1000


def test_the_one_who_asked_first_may_leave(cache: CacheService, source: Source) -> None:
    """The computation does not end with whoever caused it."""
    if runtime.mode() == "threading":
        pytest.skip("threads cannot be cancelled")
    source.gate.clear()
    first = runtime.spawn(ask, cache, source)
    settle(lambda: source.calls == 1)
    first.kill()
    answers: list[Cached] = []
    second = runtime.spawn(lambda: answers.append(ask(cache, source)))
    runtime.sleep()
    source.gate.set()
    assert second.wait(10)
    assert (source.calls, state(answers[0])) == (1, ("computed", 1))


def test_an_outdated_value_is_shown_while_it_is_renewed(cache: CacheService, source: Source, clock: FakeClock) -> None:
    """Stale-while-revalidate: nobody waits, one computes, then the new one is shown."""
    ask(cache, source)
    clock.advance(61)
    source.gate.clear()
    assert [state(ask(cache, source)) for _ in range(3)] == [("stale", 1)] * 3
    source.gate.set()
    settle(lambda: cache.get("k") is not None)
    assert state(ask(cache, source)) == ("hit", 2)


def test_patience_is_enough_for_a_fast_source(clock: FakeClock, source: Source) -> None:
    """Whoever asks for an outdated value gets the new one if it takes only a moment."""
    cache = CacheService(clock=clock, patience=10, ttl=60)
    ask(cache, source)
    clock.advance(61)
    assert state(ask(cache, source)) == ("computed", 2)


def test_patience_is_spent_once_for_all(clock: FakeClock, source: Source) -> None:
    """Where the computation has been under way for longer already, the next one does not wait at all."""
    cache = CacheService(clock=clock, patience=5, ttl=60)
    ask(cache, source)
    clock.advance(61)
    source.gate.clear()
    runtime.spawn(ask, cache, source)
    settle(lambda: source.calls == 2)
    clock.advance(5)
    began = time.perf_counter()
    answer = ask(cache, source)
    assert (state(answer), answer.error) == (("stale", 1), None)
    assert time.perf_counter() - began < 4  # the patience is 5 s
    source.gate.set()


def test_an_outdated_value_is_shown_when_renewing_fails(clock: FakeClock, source: Source) -> None:
    """Stale-if-error, with the reason."""
    cache = CacheService(clock=clock, patience=10, ttl=60)
    ask(cache, source)
    clock.advance(61)
    source.error = DatabaseError("down")
    answer = ask(cache, source)
    assert (state(answer), answer.error) == (("stale", 1), source.error)
    source.error = None
    assert state(ask(cache, source)) == ("computed", 3)


def test_without_a_copy_the_error_reaches_all_who_wait(cache: CacheService, source: Source) -> None:
    """And the next one tries again."""
    source.error = DatabaseError("down")
    source.gate.clear()
    errors: list[Exception] = []

    def wait() -> None:
        with pytest.raises(DatabaseError) as caught:
            ask(cache, source)
        errors.append(caught.value)

    tasks = [runtime.spawn(wait) for _ in range(10)]
    settle(lambda: source.calls == 1)
    source.gate.set()
    assert all(task.wait(10) for task in tasks)
    assert len(errors) == 10
    assert source.calls <= 2
    source.error = None
    assert ask(cache, source).state == "computed"


def test_a_computation_that_hangs_is_not_waited_for_for_ever(clock: FakeClock, source: Source) -> None:
    """Without a copy there is an end to it too."""
    cache = CacheService(clock=clock, max_wait=0.01)
    source.gate.clear()
    with pytest.raises(DeadlineExceededError):
        ask(cache, source)
    source.gate.set()


def test_a_value_that_may_not_be_kept_is_shown_and_the_good_one_stays(clock: FakeClock, source: Source) -> None:
    """Partial results do not replace whole ones."""
    cache = CacheService(clock=clock, patience=10, ttl=60)
    ask(cache, source)
    clock.advance(61)
    answer = ask(cache, source, keep=lambda value: value["n"] != 2)
    assert (state(answer), answer.envelope) == (("computed", 2), None)
    assert cache.get_stale("k") == {"n": 1}


def test_force_computes_although_it_is_fresh(cache: CacheService, source: Source) -> None:
    """And falls back to the copy where that fails."""
    ask(cache, source)
    assert state(ask(cache, source, force=True)) == ("computed", 2)
    source.error = DatabaseError("down")
    assert state(ask(cache, source, force=True)) == ("stale", 2)


def test_force_is_not_content_with_a_computation_that_began_before_it(cache: CacheService, source: Source) -> None:
    """What that has read may have changed before anybody asked. All who force meanwhile share the next one."""
    source.gate.clear()
    answers: list[Cached] = []
    early = runtime.spawn(lambda: answers.append(ask(cache, source)))
    settle(lambda: source.calls == 1)
    cache._clock.advance(0.1)  # type: ignore[attr-defined]
    forced = [runtime.spawn(lambda: answers.append(ask(cache, source, force=True))) for _ in range(20)]
    for _ in range(20):
        runtime.sleep(0.001)
    source.gate.set()
    assert all(task.wait(10) for task in (early, *forced))
    assert sorted(state(answer)[1] for answer in answers) == [1] + [2] * 20
    assert source.calls == 2


def test_force_does_not_wait_for_ever_for_what_is_under_way(clock: FakeClock, source: Source) -> None:
    """A computation that hangs takes no second one with it."""
    cache = CacheService(clock=clock, max_wait=0.05)
    ask(cache, source)
    source.gate.clear()
    cache.refresh("k", source)
    settle(lambda: source.calls == 2)
    clock.advance(0.1)
    assert state(ask(cache, source, force=True)) == ("stale", 1)
    source.gate.set()
    assert source.calls == 2


def test_an_invalidated_value_is_computed_anew(clock: FakeClock, source: Source) -> None:
    """By key or by tag; its copy stays for bad times."""
    cache = CacheService(clock=clock, patience=10)
    for number, invalidate in enumerate((lambda: cache.invalidate("k"), lambda: cache.invalidate_tag("t")), 1):
        ask(cache, source, tags=("t",))
        invalidate()
        assert cache.get("k") is None
        assert cache.get_stale("k") == {"n": number}
        assert state(ask(cache, source, tags=("t",))) == ("computed", number + 1)


@pytest.mark.parametrize("by", ["invalidate", "invalidate_tag", "delete"])
def test_what_began_before_an_invalidation_never_counts_as_fresh(cache: CacheService, source: Source, by: str) -> None:
    """Whoever asks after it gets a computation that began after it, and the late one does not overwrite that."""
    source.gate.clear()
    early: list[Cached] = []
    asked = runtime.spawn(lambda: early.append(ask(cache, source, tags=("t",))))
    settle(lambda: source.calls == 1)
    getattr(cache, by)("t" if by == "invalidate_tag" else "k")
    late: list[Cached] = []
    asked_later = runtime.spawn(lambda: late.append(ask(cache, source, tags=("t",))))
    settle(lambda: source.calls == 2)
    source.gate.set()
    assert asked.wait(10)
    assert asked_later.wait(10)
    assert state(late[0]) == ("computed", 2)
    assert cache.get("k") == {"n": 2}


def test_delete_leaves_no_copy(cache: CacheService, source: Source) -> None:
    """For what must not be shown again."""
    ask(cache, source)
    cache.delete("k")
    assert cache.get_stale("k") is None


def test_a_known_absence_is_not_asked_for_again(cache: CacheService, source: Source, clock: FakeClock) -> None:
    """Negative caching, for its own short time."""
    source.error = NotFoundError("no such thing")
    for _ in range(3):
        with pytest.raises(NotFoundError, match="no such thing"):
            ask(cache, source, absent_ttl=5)
    assert source.calls == 1
    assert (cache.get("k"), cache.get_stale("k")) == (None, None)
    clock.advance(5)
    source.error = None
    assert state(ask(cache, source, absent_ttl=5)) == ("computed", 2)


def test_an_absence_is_not_remembered_unless_asked_for(cache: CacheService, source: Source) -> None:
    """The default is to ask again."""
    source.error = NotFoundError("no such thing")
    for _ in range(2):
        with pytest.raises(NotFoundError):
            ask(cache, source)
    assert source.calls == 2


def test_near_its_end_a_value_is_renewed_before_it_is_outdated(clock: FakeClock) -> None:
    """XFetch: with a computation of 2 s and a draw of 1 - 1/e, from 2 s before the end."""
    calls: list[float] = []

    def slow() -> dict[str, int]:
        calls.append(clock.monotonic())
        clock.advance(2)
        return {"n": len(calls)}

    cache = CacheService(clock=clock, random=lambda: 0.6321205588285577, ttl=60)
    ask(cache, slow)
    clock.advance(57.9)
    assert (state(ask(cache, slow)), len(calls)) == (("hit", 1), 1)
    clock.advance(0.2)
    assert state(ask(cache, slow)) == ("hit", 1)
    settle(lambda: len(calls) == 2)
    assert state(ask(cache, slow)) == ("hit", 2)


def test_a_value_that_is_no_json_is_the_callers_error(cache: CacheService) -> None:
    """Not silently something else."""
    with pytest.raises(TypeError):
        cache.set("k", object())
    with pytest.raises(TypeError):
        ask(cache, object)


def test_the_check_tells_that_it_keeps_things(cache: CacheService) -> None:
    """For the health report."""
    assert cache.check() == {"status": "healthy"}
    assert cache.statistics()["entries"] == 1


def test_nobody_waits_beyond_their_deadline(cache: CacheService, clock: FakeClock, source: Source) -> None:
    """The computation goes on for those who have time."""
    source.gate.clear()
    with deadline(0, clock), pytest.raises(DeadlineExceededError):
        ask(cache, source)
    source.gate.set()
    assert state(ask(cache, source)) == ("computed", 1)
