"""Streams through the guard."""

import time

import pytest

from backend import runtime
from backend.errors import BulkheadFullError, CircuitBreakerOpenError, DeadlineExceededError, NetworkError
from backend.resilience import CallFinished, Guards, Policy, current_deadline
from tests.unit.resilience.calls import fine, raising
from tests.unit.resilience.green import Cancelled


@pytest.fixture
def guards(clock):
    return Guards(clock=clock, random=lambda: 0.5)


@pytest.fixture
def guard(guards):
    return guards.add("grok", feature="grok_chat", policy=Policy(failure_threshold=2, attempts=2))


@pytest.fixture
def finished(guards):
    told = []
    guards.listeners.subscribe(told.append, CallFinished)
    return told


class Source:
    """Makes iterators; the errors come before the first item, one an attempt."""

    def __init__(self, items=(1, 2, 3), errors=(), broken_at=None):
        self.items, self.errors, self.broken_at = items, list(errors), broken_at
        self.made = self.closed = 0

    def __call__(self):
        self.made += 1
        return self._run()

    def _run(self):
        try:
            if self.errors:
                raise self.errors.pop(0)
            for number, item in enumerate(self.items):
                if number == self.broken_at:
                    raise NetworkError("cut off")
                yield item
        finally:
            self.closed += 1


def test_items_come_through_and_the_end_is_a_success(guard, finished):
    source = Source()
    assert list(guard.stream(source)) == [1, 2, 3]
    assert (source.made, source.closed) == (1, 1)
    assert [event.outcome for event in finished] == ["success"]
    assert guard.bulkhead.taken == 0


def test_nothing_happens_before_the_first_item_is_asked_for(guard):
    source = Source()
    guard.stream(source)
    assert (source.made, guard.bulkhead.taken) == (0, 0)


def test_a_failure_before_the_first_item_is_tried_again(guard, clock):
    source = Source(errors=[NetworkError("refused")])
    assert list(guard.stream(source)) == [1, 2, 3]
    assert (source.made, clock.sleeps) == (2, [0.25])
    assert guard.breaker.failure_count == 0


def test_a_failure_after_the_first_item_is_not(guard, guards, finished):
    source, got = Source(broken_at=1), []
    with pytest.raises(NetworkError):
        got.extend(guard.stream(source))
    assert source.made == 1
    assert (guard.breaker.failure_count, finished[0].outcome) == (1, "failure")
    assert guards.aggregator.get_error_stats()["errors_by_type"] == {"grok_chat_failure": 1}


def test_a_client_that_leaves_is_neither_success_nor_failure(guard, finished):
    source = Source()
    stream = guard.stream(source)
    next(stream)
    stream.close()
    assert (guard.breaker.failure_count, finished[0].outcome) == (0, "cancelled")
    assert (source.closed, guard.bulkhead.taken) == (1, 0)


def test_an_open_circuit_rejects_the_first_item(guard):
    with pytest.raises(NetworkError):
        list(guard.stream(Source(errors=[NetworkError("one"), NetworkError("two")])))
    source = Source()
    with pytest.raises(CircuitBreakerOpenError):
        next(guard.stream(source))
    assert source.made == 0


def test_a_stream_holds_its_place_in_the_bulkhead(guards):
    guard = guards.add("x", feature="y", policy=Policy(max_concurrent=1))
    stream = guard.stream(Source())
    next(stream)
    with pytest.raises(BulkheadFullError):
        guard.call(fine)
    stream.close()
    assert guard.call(fine) == "fine"


def test_the_deadline_is_over_all_items_and_known_inside(guard, clock):
    seen = []

    def items():
        for number in range(3):
            seen.append(current_deadline().remaining())
            clock.advance(2)
            yield number

    stream = guard.stream(items, deadline=5)
    assert [next(stream), next(stream), next(stream)] == [0, 1, 2]
    assert seen == [5, 3, 1]
    with pytest.raises(DeadlineExceededError):
        next(stream)
    assert guard.breaker.failure_count == 1


def test_the_deadline_is_not_in_force_between_the_items(guard):
    stream = guard.stream(Source(), deadline=5)
    next(stream)
    assert current_deadline() is None
    stream.close()


def test_an_item_that_does_not_come_is_given_up_in_every_mode():
    guard = Guards().add("x", feature="y", policy=Policy(attempts=1, timeout=0.03))

    def items():
        yield 1
        time.sleep(2)
        yield 2

    got = []
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        got.extend(guard.stream(items))
    assert time.monotonic() - started < 1.8
    assert guard.breaker.failure_count == 1
    assert guard.bulkhead.taken == 0


def test_an_empty_stream_is_a_success(guard, finished):
    assert list(guard.stream(lambda: iter(()))) == []
    assert finished[0].outcome == "success"


def test_a_stream_whose_closing_fails_is_over_all_the_same(guard, finished):
    class Stubborn:
        def __iter__(self):
            return self

        def __next__(self):
            raise StopIteration

        def close(self):
            raise OSError("already gone")

    assert list(guard.stream(Stubborn)) == []
    assert finished[0].outcome == "success"


def test_a_probing_stream_that_is_killed_gives_its_permit_back():
    if runtime.mode() == "threading":
        pytest.skip("threads cannot be killed")
    guard = Guards().add("x", feature="y", policy=Policy(failure_threshold=1, open_seconds=0.01, attempts=1))
    with pytest.raises(NetworkError):
        list(guard.stream(Source(errors=[NetworkError("x")])))
    time.sleep(0.02)

    def slow():
        yield 1
        time.sleep(5)

    task = runtime.spawn(lambda: list(guard.stream(slow)))
    time.sleep(0.01)
    assert guard.breaker.state == "half_open"
    task.kill()
    assert task.wait(5)
    assert guard.call(fine) == "fine"


def test_a_wait_that_was_asked_for_beyond_the_streams_deadline_is_not_begun(guard, clock):
    source = Source(errors=[NetworkError("busy", retry_after=20)])
    with pytest.raises(NetworkError):
        list(guard.stream(source, deadline=5))
    assert (source.made, clock.sleeps) == (1, [])
    assert current_deadline() is None


def test_what_a_reader_throws_in_gives_the_permit_back_and_says_nothing(guard, clock):
    guard.breaker.open()
    clock.advance(60)
    source = Source()
    stream = guard.stream(source)
    next(stream)
    with pytest.raises(KeyError):
        stream.throw(KeyError())
    assert (guard.breaker.state, source.closed) == ("half_open", 1)
    assert guard.call(fine) == "fine"


def test_who_is_stopped_while_a_stream_is_closed_is_stopped(guard):
    class Killed:
        close = staticmethod(raising(Cancelled()))

        def __iter__(self):
            return self

        def __next__(self):
            raise StopIteration

    with pytest.raises(Cancelled):
        list(guard.stream(Killed))
