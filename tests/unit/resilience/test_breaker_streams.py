"""Streams under a breaker: guarded from the first item to the last."""

import gc

import pytest

from backend.errors import CircuitBreakerOpenError
from backend.resilience import CircuitBreaker, CountWindow
from tests.unit.resilience.calls import Down, fail, fine


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(2, 60, probe_seconds=10, clock=clock)


def numbers(until=3, error=None):
    yield from range(until)
    if error:
        raise error


def test_a_generator_that_a_call_returns_is_read_through_the_breaker(breaker):
    assert list(breaker.call(numbers)) == [0, 1, 2]


def test_a_failure_in_the_middle_counts(breaker):
    for _ in range(2):
        with pytest.raises(Down):
            list(breaker.call(numbers, 2, Down()))
    assert breaker.state == "open"


def test_making_a_stream_does_not_count_as_a_success(breaker):
    fail(breaker)
    breaker.call(numbers)
    assert breaker.failure_count == 1


def test_the_end_of_a_stream_does(breaker):
    fail(breaker)
    list(breaker.call(numbers))
    assert breaker.failure_count == 0


def test_a_reader_that_leaves_is_neither_success_nor_failure(breaker):
    fail(breaker)
    stream = breaker.call(numbers)
    next(stream)
    stream.close()
    assert breaker.failure_count == 1


def test_an_open_circuit_rejects_before_the_function_is_called(breaker):
    fail(breaker, 2)
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(pytest.fail)


def test_a_circuit_that_opened_meanwhile_rejects_the_first_item(breaker):
    stream = breaker.call(numbers)
    fail(breaker, 2)
    with pytest.raises(CircuitBreakerOpenError):
        next(stream)


def test_a_stream_that_nobody_reads_holds_no_permit(breaker, clock):
    fail(breaker, 2)
    clock.advance(60)
    breaker.call(numbers)
    assert breaker.call(fine) == "fine"


def test_a_stream_as_the_probe_closes_the_circuit_with_its_last_item(breaker, clock):
    fail(breaker, 2)
    clock.advance(60)
    stream = breaker.call(numbers)
    assert next(stream) == 0
    assert breaker.state == "half_open"
    with pytest.raises(CircuitBreakerOpenError):
        breaker.call(fine)
    assert list(stream) == [1, 2]
    assert breaker.state == "closed"


def test_each_item_keeps_the_probers_lease(breaker, clock):
    fail(breaker, 2)
    clock.advance(60)
    for _ in breaker.call(numbers, 5):
        clock.advance(9)
        with pytest.raises(CircuitBreakerOpenError):
            breaker.call(fine)
    assert breaker.state == "closed"


@pytest.mark.parametrize(("seconds", "kept"), [(9.99, True), (9.9995, False), (10, False)])
def test_an_item_that_comes_as_the_lease_ends_does_not_keep_it(breaker, clock, seconds, kept):
    fail(breaker, 2)
    clock.advance(60)
    stream = breaker.call(numbers)
    next(stream)
    clock.advance(seconds)
    next(stream)
    clock.advance(10 - seconds)
    if kept:
        with pytest.raises(CircuitBreakerOpenError):
            breaker.call(fine)
    else:
        assert breaker.call(fine) == "fine"


def test_a_probing_stream_that_is_dropped_gives_its_permit_back(breaker, clock):
    fail(breaker, 2)
    clock.advance(60)
    stream = breaker.call(numbers)
    next(stream)
    del stream
    gc.collect()
    assert breaker.call(fine) == "fine"


def test_what_is_sent_and_thrown_reaches_the_generator_and_its_result_comes_back(breaker):
    def echo():
        got = []
        while len(got) < 2:
            try:
                got.append((yield len(got)))
            except KeyError:
                got.append("thrown")
        return got

    def reader():
        return (yield from breaker.call(echo))

    stream = reader()
    next(stream)
    stream.send("sent")
    with pytest.raises(StopIteration) as end:
        stream.throw(KeyError())
    assert end.value.value == ["sent", "thrown"]
    assert breaker.failure_count == 0


def test_closing_the_stream_closes_the_generator(breaker):
    made = []

    def remembered():
        made.append(numbers())
        return made[0]

    stream = breaker.call(remembered)
    next(stream)
    stream.close()
    assert list(made[0]) == [], "closed, though something still holds it"
    assert list(stream) == []


def test_any_iterator_can_be_streamed_and_is_closed(breaker):
    class Chunks:
        closed = False

        def __iter__(self):
            return iter([1, 2])

        def close(self):
            self.closed = True

    chunks = Chunks()
    assert list(breaker.stream(lambda: chunks)) == [1, 2]
    assert chunks.closed


def test_an_iterator_that_cannot_be_closed_is_fine(breaker):
    assert list(breaker.stream(lambda: [1, 2])) == [1, 2]


def test_the_wait_for_the_first_item_decides_whether_a_stream_is_slow(clock):
    breaker = CircuitBreaker(window=CountWindow(10, slow_seconds=2, minimum_calls=5), clock=clock)

    def items(first, second):
        clock.advance(first)
        yield 1
        clock.advance(second)
        yield 2
        clock.advance(second)

    list(breaker.call(items, 2, 0))
    list(breaker.call(items, 1.9, 100))
    assert breaker.stats.slow == 1


def test_an_empty_stream_is_as_slow_as_it_took(clock):
    breaker = CircuitBreaker(window=CountWindow(10, slow_seconds=2, minimum_calls=5), clock=clock)

    def nothing(seconds):
        clock.advance(seconds)
        yield from ()

    for seconds in (2, 1.9):
        list(breaker.call(nothing, seconds))
    assert breaker.stats.slow == 1


def test_a_decorated_generator_function_is_guarded(breaker):
    guarded = breaker(numbers)
    assert list(guarded(2)) == [0, 1]
    with pytest.raises(Down):
        list(guarded(1, Down()))
    assert breaker.failure_count == 1


def test_a_reader_that_leaves_a_stream_leaves_the_count_as_it_was():
    breaker = CircuitBreaker()
    fail(breaker, 3)

    def items():
        yield 1
        yield 2

    stream = breaker.call(items)
    next(stream)
    stream.close()
    assert breaker.failure_count == 3


# pybreaker's words


def test_an_item_in_the_last_moment_of_a_permit_prolongs_nothing(clock):
    """A fleet's server counts in milliseconds and may have given its place to another by then."""
    clock.advance(1000)  # where the sums below come out alike to the last bit
    breaker = CircuitBreaker(1, 60, probe_seconds=0.501, clock=clock)
    fail(breaker)
    clock.advance(60)
    stream = breaker.stream(lambda: numbers(3))
    next(stream)
    clock.advance(0.5)
    next(stream)
    clock.advance(0.001)
    assert breaker.call(lambda: "the place is another's") == "the place is another's"
    assert breaker.state == "closed"
    stream.close()
