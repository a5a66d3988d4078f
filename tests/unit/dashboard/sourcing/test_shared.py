"""One worker asks a source, the others take what came of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.bus.outcomes import Outcome
from backend.bus.wire import AwayError
from backend.dashboard.sourcing.shared import FailedElsewhereError, SharedSource, pulse_batch, threat_batch
from backend.errors import NetworkError, RateLimitedError
from backend.resilience.testing import FakeClock
from backend.sources.base import PulseBatch, PulseItem, ThreatBatch, Validators

ONE, TWO = Validators("u", etag="1"), Validators("u", etag="2")
WHOLE = ThreatBatch({"CVE-1": {"title": "a", "scores": [1, 2]}}, validators=ONE)


class Redis:
    """What several workers share, in memory."""

    def __init__(self, clock):
        self.clock = clock
        self.outcomes, self.bodies, self.roles = {}, {}, {}
        self.away = False
        self.number = 0


class Outcomes:
    """One worker's way to it."""

    def __init__(self, redis, worker):
        self._redis, self._worker = redis, worker

    def _ask(self):
        if self._redis.away:
            raise AwayError("gone")

    def last(self, name):
        self._ask()
        found = self._redis.outcomes.get(name)
        return found and Outcome(found[0], self._redis.clock.monotonic() - found[1], found[2])

    def body(self, name):
        self._ask()
        return self._redis.bodies.get(name)

    def take(self, name, seconds, *, after):
        self._ask()
        if self._redis.outcomes.get(name, (0,))[0] != (after.number if after is not None else 0):
            return False
        holder, until = self._redis.roles.get(name, ("", 0.0))
        if holder and until > self._redis.clock.monotonic():
            return False
        self._redis.roles[name] = (self._worker, self._redis.clock.monotonic() + seconds)
        return True

    def put(self, name, head, body, keep):
        self._ask()
        self._redis.number += 1
        self._redis.outcomes[name] = (self._redis.number, self._redis.clock.monotonic(), head)
        if body is not None:
            self._redis.bodies[name] = body
        self._redis.roles.pop(name, None)
        return self._redis.number

    def release(self, name):
        if self._redis.roles.get(name, ("",))[0] == self._worker:
            self._redis.roles.pop(name)


class Source:
    name, refresh_seconds, timeout_seconds = "kev", 60.0, 10.0

    def __init__(self):
        self.asked = []
        self.answers = []

    def fetch(self, *, previous=None, **asked):
        self.asked.append(previous)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def world():
    clock = FakeClock()
    redis, source = Redis(clock), Source()

    def worker(name):
        return SharedSource(source, Outcomes(redis, name), threat_batch, clock=clock, offload=lambda f, *a: f(*a))

    return clock, redis, source, worker("a"), worker("b")


def test_the_others_take_what_one_has_fetched_with_its_age(world):
    clock, _, source, a, b = world
    source.answers = [WHOLE]
    assert a.fetch() == WHOLE
    clock.advance(20)
    taken = b.fetch()
    assert taken.fragments == WHOLE.fragments
    assert taken.validators == ONE
    assert taken.as_of == clock.now() - timedelta(seconds=20)
    assert taken.again_in == pytest.approx(40)
    assert len(source.asked) == 1


def test_who_has_taken_it_asks_when_asked_again_and_then_the_first_takes_that(world):
    _, _, source, a, b = world
    source.answers = [WHOLE, replace(WHOLE, validators=TWO)]
    a.fetch()
    b.fetch()
    assert b.fetch(previous=ONE).validators == TWO
    assert a.fetch(previous=ONE).validators == TWO
    assert source.asked == [None, ONE]


def test_what_is_older_than_a_period_is_not_taken(world):
    clock, _, source, a, b = world
    source.answers = [WHOLE, WHOLE]
    a.fetch()
    clock.advance(60)
    b.fetch()
    assert len(source.asked) == 2


def test_a_failure_is_shared_and_counted_once(world):
    _, _, source, a, b = world
    source.answers = [NetworkError("x", message="It refused.", retry_after=9)]
    with pytest.raises(NetworkError):
        a.fetch()
    with pytest.raises(FailedElsewhereError, match=r"It refused\.") as failed:
        b.fetch()
    assert (failed.value.counts_as_failure, failed.value.retryable) == (False, False)
    assert failed.value.asked_to_wait == 9
    assert len(source.asked) == 1


def test_not_modified_is_taken_by_those_who_have_it_and_confirms_it_for_those_who_have_nothing(world):
    _, _, source, a, b = world
    source.answers = [WHOLE, ThreatBatch(not_modified=True, validators=TWO)]
    a.fetch()
    b.fetch()
    assert a.fetch(previous=ONE).not_modified
    assert b.fetch(previous=ONE).not_modified
    newcomer = SharedSource(source, b._outcomes, threat_batch, clock=b._clock, offload=lambda f, *x: f(*x))
    taken = newcomer.fetch()
    assert (taken.not_modified, taken.fragments, taken.validators) == (False, WHOLE.fragments, TWO)
    assert len(source.asked) == 2


def test_an_addition_is_taken_only_by_who_has_what_it_is_added_to(world):
    _, _, source, a, b = world
    more = ThreatBatch({"CVE-2": {}}, delta=True, removed=("CVE-1",), validators=TWO)
    source.answers = [WHOLE, more]
    a.fetch()
    b.fetch()
    a.fetch(previous=ONE)
    taken = b.fetch(previous=ONE)
    assert (taken.delta, taken.removed, taken.validators) == (True, ("CVE-1",), TWO)
    newcomer = SharedSource(source, b._outcomes, threat_batch, clock=b._clock, offload=lambda f, *x: f(*x))
    source.answers = [WHOLE]
    assert not newcomer.fetch().delta
    assert len(source.asked) == 3


def test_an_answer_to_another_question_is_not_taken(world):
    _, _, source, a, b = world
    source.answers = [WHOLE, WHOLE]
    a.fetch(wanted=("CVE-1",))
    b.fetch(wanted=("CVE-1", "CVE-2"))
    assert len(source.asked) == 2


def test_who_finds_another_one_asking_waits_a_while_and_comes_again(world):
    clock, redis, source, _, b = world
    redis.roles["kev"] = ("a", clock.monotonic() + 11)
    with pytest.raises(RateLimitedError) as told:
        b.fetch()
    assert told.value.retry_after == 1.0
    assert sum(clock.sleeps) == pytest.approx(5.0, abs=0.2)
    clock.advance(11)  # it died over it
    source.answers = [WHOLE]
    assert b.fetch() == WHOLE


def test_who_comes_for_the_role_just_after_it_was_given_back_takes_the_answer(world, monkeypatch):
    """Between one worker's look and its grip for the role another one may have asked, told and gone."""
    _, _, source, a, b = world
    source.answers = [WHOLE]
    looked = b._outcomes.last

    def look_and_be_overtaken(name):
        seen = looked(name)
        if not source.asked:
            a.fetch()
        return seen

    monkeypatch.setattr(b._outcomes, "last", look_and_be_overtaken)
    assert b.fetch().fragments == WHOLE.fragments
    assert len(source.asked) == 1


def test_without_redis_each_asks_for_itself(world):
    _, redis, source, a, b = world
    redis.away = True
    source.answers = [WHOLE, WHOLE]
    a.fetch()
    b.fetch()
    assert len(source.asked) == 2


def test_a_fault_of_ours_and_a_limit_of_ours_are_no_outcome(world):
    _, redis, source, a, _ = world
    for error in (RateLimitedError("slow down"), RuntimeError("a bug")):
        source.answers = [error]
        with pytest.raises(type(error)):
            a.fetch()
        assert redis.outcomes == {}
        assert redis.roles == {}


def test_only_what_one_does_not_have_or_come_to_know_is_news(world):
    _, _, source, a, b = world
    source.answers = [WHOLE]
    a.fetch()
    b._wanted = a._wanted
    assert b.is_news(1, {"wanted": a._wanted})
    assert not b.is_news(1, {"wanted": "other"})
    b.fetch()
    assert not b.is_news(1, {"wanted": a._wanted})


def test_things_that_were_published_survive_the_way(world):
    clock, redis, source, *_ = world
    batch = PulseBatch(
        (PulseItem("k", "t", None, published=clock.now(), ids=("CVE-1",)),), title="Feed", validators=ONE
    )
    source.answers = [batch]
    a, b = (
        SharedSource(source, Outcomes(redis, name), pulse_batch, clock=clock, offload=lambda f, *x: f(*x))
        for name in "ab"
    )
    a.fetch()
    assert replace(b.fetch(), as_of=None, again_in=None) == batch
