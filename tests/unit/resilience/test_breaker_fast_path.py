"""What a call does not cost: no lock, no clock, no storage where nothing is counted or measured."""

import pytest

from backend.resilience import CircuitBreaker, CountWindow
from backend.resilience.testing import FakeClock
from tests.unit.resilience.calls import fail, fine


class Forbidden:
    """Stands for a lock that must not be taken."""

    def __enter__(self):
        raise AssertionError("a healthy call takes no lock")

    def __exit__(self, *_):
        raise AssertionError("a healthy call takes no lock")


class CountingClock(FakeClock):
    """Notes how often it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def monotonic(self):
        self.asked += 1
        return super().monotonic()


@pytest.fixture
def healthy():
    clock = CountingClock()
    breaker = CircuitBreaker(clock=clock)
    breaker._control.lock = Forbidden()
    clock.asked = 0
    return breaker, clock


def test_a_healthy_call_takes_no_lock_and_asks_no_clock(healthy):
    breaker, clock = healthy
    assert [breaker.call(fine) for _ in range(3)] == ["fine"] * 3
    assert clock.asked == 0


def test_nor_after_a_reset():
    breaker = CircuitBreaker()
    fail(breaker, 5)
    breaker.reset()
    breaker._control.lock = Forbidden()
    assert breaker.call(fine) == "fine"


def test_where_somebody_listens_to_each_call_it_does():
    breaker = CircuitBreaker()
    listener = object.__new__(type("Listener", (), {name: lambda *_: None for name in ("before_call", "success")}))
    breaker.add_listener(listener)
    breaker._control.lock = Forbidden()
    with pytest.raises(AssertionError, match="no lock"):
        breaker.call(fine)
    breaker.remove_listener(listener)
    assert breaker.call(fine) == "fine"


def test_a_window_that_measures_no_slowness_asks_no_clock():
    clock = CountingClock()
    breaker = CircuitBreaker(window=CountWindow(), clock=clock)
    clock.asked = 0
    breaker.call(fine)
    fail(breaker)
    assert clock.asked == 0


def test_a_break_without_jitter_asks_no_chance():
    breaker = CircuitBreaker(random=Forbidden)
    fail(breaker, 5)
    assert breaker.state == "open"
