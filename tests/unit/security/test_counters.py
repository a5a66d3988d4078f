"""The counters of the rate limits."""

from limits import parse
from limits.strategies import FixedWindowRateLimiter

from backend.resilience.testing import FakeClock
from backend.security.counters import MemoryCounters


def counters(clock: FakeClock, most: int = 100) -> MemoryCounters:
    return MemoryCounters(most=most, now=lambda: clock.now().timestamp())


def test_a_window_begins_with_its_first_use_and_ends_whole() -> None:
    clock = FakeClock()
    counted = counters(clock)
    begins = clock.now().timestamp()
    assert [counted.incr("a", 60) for _ in range(3)] == [1, 2, 3]
    clock.advance(59)
    assert (counted.get("a"), counted.get_expiry("a")) == (3, begins + 60)
    clock.advance(1)
    assert (counted.get("a"), counted.get_expiry("a")) == (0, begins + 60)
    assert counted.incr("a", 60, amount=2) == 2


def test_keys_are_counted_apart_and_can_be_forgotten() -> None:
    counted = counters(FakeClock())
    counted.incr("a", 60)
    counted.incr("b", 60)
    counted.clear("a")
    assert (counted.get("a"), counted.get("b")) == (0, 1)
    assert (counted.reset(), counted.get("b"), counted.check()) == (1, 0, True)


def test_memory_is_bounded_and_what_has_ended_goes_first() -> None:
    clock = FakeClock()
    counted = counters(clock, most=10)
    for number in range(5):
        counted.incr(f"short {number}", 1)
    for number in range(5):
        counted.incr(f"long {number}", 60)
    clock.advance(2)
    counted.incr("new", 60)
    assert [counted.get(f"long {number}") for number in range(5)] == [1] * 5


def test_when_nothing_has_ended_the_oldest_go() -> None:
    counted = counters(FakeClock(), most=10)
    for number in range(11):
        counted.incr(str(number), 60)
    assert [counted.get(str(number)) for number in (0, 1, 10)] == [0, 1, 1]


def test_it_serves_the_librarys_strategy() -> None:
    clock = FakeClock()
    limiter, item = FixedWindowRateLimiter(counters(clock)), parse("2/minute")
    assert [limiter.hit(item, "ann") for _ in range(3)] == [True, True, False]
    assert limiter.get_window_stats(item, "ann").remaining == 0
    clock.advance(60)
    assert limiter.hit(item, "ann")
